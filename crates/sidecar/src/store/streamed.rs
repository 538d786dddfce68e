//! A streamed remote-read answer as a stream of ours, in our order.
//!
//! A small answer is read whole and sorted. A large one is passed on as it comes ([`Reorder`]), after Prometheus was asked
//! whether its series have labels for which that would be wrong; then it is sorted as a whole like a small one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt, stream};
use model::labels::Labels;
use storeapi::{Error, Series, SeriesEvent, SeriesLabels, SeriesStream, ShardMatcher, truncate_to_limit};

use super::api_error;
use super::frame::{Reader, size_of};
use super::order::{Reorder, own_labels};
use crate::peer::Peer;

/// Bytes of series up to which an answer is read whole before its first series is sent.
const SMALL_BYTES: usize = 4 << 20;

/// What is asked for.
pub(super) struct Request {
    pub(super) peer: Peer,
    pub(super) external: Labels,
    pub(super) labels: SeriesLabels,
    pub(super) removed: Vec<String>,
    pub(super) shard: ShardMatcher,
    pub(super) range: (i64, i64),
    /// Most series; 0 and less is all.
    pub(super) limit: i64,
    /// Set when Prometheus has sent series out of order, so that it is not relied upon again.
    pub(super) unsorted: Arc<AtomicBool>,
}

impl Request {
    /// The series as it is announced, if it belongs to the shard.
    fn announce(&self, mut series: Series) -> Option<Series> {
        series.labels = self.labels.apply(&series.labels);
        self.shard.matches(&series.labels).then_some(series)
    }

    /// Whether series may be passed on before all are there. To be asked after the select of Prometheus has begun: names
    /// that come up later are not in it.
    async fn can_pass_on(&self) -> Result<bool, Error> {
        if self.unsorted.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let names =
            self.peer.client().label_names(&[], self.range.0, self.range.1, 0).await.map_err(api_error)?;
        Ok(Reorder::suits(&names, &self.external, &self.removed))
    }
}

/// The answer, sorted.
pub(super) async fn series(mut reader: Reader, request: Request) -> Result<SeriesStream, Error> {
    let mut first = Vec::new();
    let mut size = 0;
    let mut ended = true;
    while let Some(series) = reader.next().await? {
        size += size_of(&series);
        first.push(series);
        if size > SMALL_BYTES {
            ended = false;
            break;
        }
    }
    if ended || !request.can_pass_on().await? {
        while let Some(series) = reader.next().await? {
            first.push(series);
        }
        return Ok(sorted(
            first.into_iter().filter_map(|series| request.announce(series)).collect(),
            request.limit,
        ));
    }
    let mut passing =
        Passing { reader, request, reorder: Reorder::default(), ready: VecDeque::new(), ended: false };
    for series in first {
        passing.push(series)?;
    }
    let limit = passing.request.limit;
    let events = stream::unfold(Some(passing), |passing| async {
        let mut passing = passing?;
        match passing.next().await {
            Ok(Some(series)) => Some((Ok(SeriesEvent::Series(series)), Some(passing))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(match usize::try_from(limit) {
        Ok(limit) if limit > 0 => events.take(limit).boxed(),
        _ => events.boxed(),
    })
}

/// All series, sorted, up to the limit.
pub(super) fn sorted(mut series: Vec<Series>, limit: i64) -> SeriesStream {
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    truncate_to_limit(&mut series, limit);
    stream::iter(series.into_iter().map(|series| Ok(SeriesEvent::Series(series)))).boxed()
}

/// An answer that is passed on.
struct Passing {
    reader: Reader,
    request: Request,
    reorder: Reorder,
    ready: VecDeque<Series>,
    ended: bool,
}

impl Passing {
    fn push(&mut self, series: Series) -> Result<(), Error> {
        let own = own_labels(&series.labels, &self.request.external);
        let Some(series) = self.request.announce(series) else { return Ok(()) };
        self.reorder.push(own, series, &mut self.ready).map_err(|unsorted| {
            self.request.unsorted.store(true, Ordering::Relaxed);
            Error::internal(unsorted)
        })
    }

    async fn next(&mut self) -> Result<Option<Series>, Error> {
        while self.ready.is_empty() && !self.ended {
            match self.reader.next().await? {
                Some(series) => self.push(series)?,
                None => {
                    self.ended = true;
                    self.reorder.finish(&mut self.ready);
                }
            }
        }
        Ok(self.ready.pop_front())
    }
}
