//! The selects of a query: started together, and those that several selectors use kept in memory.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use model::series::{SampleBuffer, SampleSource, Series, SeriesSet, SourceError};

use crate::annotations::Annotation;
use crate::error::EvalError;
use crate::limits::Reservation;
use crate::plan::Plan;
use crate::source::{Queryable, SelectParams};

use super::Evaluator;

type Started = Result<Box<dyn SeriesSet>, SourceError>;

/// The selects of a query.
pub(super) struct Selects {
    entries: Vec<Entry>,
}

struct Entry {
    /// The set, until somebody takes it.
    set: Mutex<Option<Started>>,
    /// The series, where more than one selector uses them.
    shared: Option<OnceLock<Result<Arc<SharedSeries>, EvalError>>>,
}

/// The series of a select that is used several times, decoded once.
pub(super) struct SharedSeries {
    series: Vec<(model::labels::Labels, Arc<SharedSamples>)>,
}

struct SharedSamples {
    source: Box<dyn SampleSource>,
    mint: i64,
    maxt: i64,
    decoded: OnceLock<Result<(SampleBuffer, Reservation), SourceError>>,
    /// Taken when decoded.
    reservation: Mutex<Option<Reservation>>,
}

impl SampleSource for SharedSamples {
    fn samples_into(&self, mint: i64, maxt: i64, out: &mut SampleBuffer) -> Result<(), SourceError> {
        let decoded = self.decoded.get_or_init(|| {
            let mut buffer = SampleBuffer::new();
            self.source.samples_into(self.mint, self.maxt, &mut buffer)?;
            let mut held = self.reservation.lock().unwrap_or_else(PoisonError::into_inner).take();
            match held.as_mut().map(|r| r.grow(buffer.heap_size())) {
                Some(Err(e)) => Err(SourceError::new(e)),
                _ => Ok((buffer, held.ok_or_else(|| SourceError::new("samples were decoded twice"))?)),
            }
        });
        let (buffer, _) = decoded.as_ref().map_err(Clone::clone)?;
        out.extend_from(buffer, buffer.range(mint, maxt));
        Ok(())
    }
}

impl Selects {
    /// Starts all selects, so that the storage can work on them at the same time.
    pub(super) fn start(plan: &Plan, source: &dyn Queryable) -> Self {
        let entries = plan
            .selects
            .iter()
            .zip(&plan.uses)
            .map(|(params, uses)| Entry {
                set: Mutex::new(Some(source.select(params))),
                shared: (*uses > 1).then(OnceLock::new),
            })
            .collect();
        Self { entries }
    }
}

/// A set over shared series.
struct SharedSet {
    series: Arc<SharedSeries>,
    next: usize,
}

impl SeriesSet for SharedSet {
    fn next_series(&mut self) -> Option<Result<Series, SourceError>> {
        let (labels, samples) = self.series.series.get(self.next)?;
        self.next += 1;
        Some(Ok(Series { labels: labels.clone(), samples: Box::new(samples.clone()) }))
    }
}

impl Evaluator<'_> {
    /// The series of a select.
    pub(super) fn series_of(&self, select: usize) -> Result<Box<dyn SeriesSet>, EvalError> {
        let entry = &self.selects.entries[select];
        let take = || match entry.set.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(started) => started.map_err(EvalError::of_storage),
            // Evaluation visits each selector once; a set is never asked for again.
            None => self.source.select(&self.plan.selects[select]).map_err(EvalError::of_storage),
        };
        match &entry.shared {
            None => take(),
            Some(cell) => {
                let series = cell
                    .get_or_init(|| self.share(take()?, &self.plan.selects[select]).map(Arc::new))
                    .clone()?;
                Ok(Box::new(SharedSet { series, next: 0 }))
            }
        }
    }

    fn share(&self, mut set: Box<dyn SeriesSet>, params: &SelectParams) -> Result<SharedSeries, EvalError> {
        let mut series = Vec::new();
        while let Some(next) = set.next_series() {
            self.limits.check()?;
            let Series { labels, samples } = next.map_err(EvalError::of_storage)?;
            let mut held = Reservation::new(&self.ledger);
            held.grow(labels.heap_size() + size_of::<SharedSamples>())?;
            let samples = SharedSamples {
                source: samples,
                mint: params.mint,
                maxt: params.maxt,
                decoded: OnceLock::new(),
                reservation: Mutex::new(Some(held)),
            };
            series.push((labels, Arc::new(samples)));
        }
        self.annotate_all(set.warnings().into_iter().map(Annotation::storage_warning));
        Ok(SharedSeries { series })
    }
}
