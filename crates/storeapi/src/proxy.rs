//! The fan-out proxy: one StoreAPI over many stores.
//!
//! A request goes to the stores that may have data for it. Every store's stream is read by a task of its own into a bounded
//! buffer, and the streams are merged in order. A store that fails gives a warning naming it, or ends the request when partial
//! answers are not wanted.

mod fan_out;
mod select;
mod store;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use model::labels::Labels;
use model::matcher::Matcher;
use prometheus::{IntCounter, Registry};

use crate::api::*;
use crate::external_labels::match_external_labels;
use crate::info::TsdbRange;
use crate::merge::MergedSeries;
use crate::{Error, ErrorKind, hints};

pub use select::StoreSelector;
pub use store::StoreRef;

/// How far the stores' streams are read ahead of the merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retrieval {
    /// Up to this many responses per store.
    Lazy(usize),
    /// As fast as they come.
    ///
    /// Differs from Thanos: it buffers whole answers; we stop at some thousand series per store, and the reader of the
    /// merged stream decides how much is held.
    Eager,
}

/// Stores known at this moment.
pub type Stores = Arc<dyn Fn() -> Vec<Arc<StoreRef>> + Send + Sync>;

/// Settings of a proxy.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// Labels that the proxy announces beside those of the stores; matchers on them are answered locally.
    pub selector_labels: Labels,
    /// Which label sets may be asked at all.
    pub selector: StoreSelector,
    /// Longest wait for the next frame of a store; zero is for ever.
    pub response_timeout: Duration,
    /// Reading ahead.
    pub retrieval: Retrieval,
}

/// One StoreAPI over many stores.
pub struct ProxyStore {
    stores: Stores,
    config: ProxyConfig,
    empty_streams: IntCounter,
}

impl ProxyStore {
    /// A proxy over the stores that `stores` gives at each request.
    pub fn new(stores: Stores, config: ProxyConfig, registry: &Registry) -> Result<Self, prometheus::Error> {
        let empty_streams = IntCounter::new(
            "thanos_proxy_store_empty_stream_responses_total",
            "Streams of stores that ended without a single response.",
        )?;
        registry.register(Box::new(empty_streams.clone()))?;
        Ok(ProxyStore { stores, config, empty_streams })
    }

    fn selected_stores(&self) -> Vec<Arc<StoreRef>> {
        (self.stores)().into_iter().filter(|store| self.config.selector.matches(&store.label_sets)).collect()
    }

    /// The label sets of all stores with the selector labels, for Info.
    pub fn label_sets(&self) -> Vec<Labels> {
        let selector = &self.config.selector;
        let mut sets: Vec<Labels> = self
            .selected_stores()
            .iter()
            .flat_map(|store| {
                selector.restricted(&store.label_sets).unwrap_or_else(|| store.label_sets.clone())
            })
            .map(|labels| labels.extended(&self.config.selector_labels))
            .collect();
        sets.sort();
        sets.dedup();
        if sets.is_empty() && !self.config.selector_labels.is_empty() {
            sets.push(self.config.selector_labels.clone());
        }
        sets
    }

    /// The time range of all stores, ms; all time when there are none.
    pub fn time_range(&self) -> (i64, i64) {
        self.selected_stores()
            .iter()
            .map(|store| (store.min_time, store.max_time))
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            .unwrap_or((i64::MIN, i64::MAX))
    }

    /// What is behind all stores.
    pub fn tsdb_infos(&self) -> Vec<TsdbRange> {
        self.selected_stores().iter().flat_map(|store| store.tsdb_infos.clone()).collect()
    }

    /// The stores to ask, and matchers that keep them to the selected label sets.
    fn matching(
        &self,
        stores: &[Arc<StoreRef>],
        mint: i64,
        maxt: i64,
        matchers: &[Matcher],
        context: &RequestContext,
    ) -> Result<(Vec<Arc<StoreRef>>, Vec<Matcher>), Error> {
        let mut restricted = Vec::new();
        let mut matching = Vec::new();
        for store in stores {
            match store.mismatch(mint, maxt, matchers, &context.store_matchers) {
                Some(reason) => {
                    tracing::debug!(component = "proxy", store = %store, reason, "store filtered out")
                }
                None => {
                    restricted.extend(self.config.selector.restricted(&store.label_sets).unwrap_or_default());
                    matching.push(store.clone());
                }
            }
        }
        Ok((matching, select::matchers_for_label_sets(&restricted)?))
    }

    /// Asks several stores for a list, gathering lists and warnings.
    async fn gather<T, F>(
        stores: Vec<Arc<StoreRef>>,
        partial_response: PartialResponse,
        what: &str,
        ask: impl Fn(Arc<StoreRef>) -> F,
    ) -> Result<(Vec<T>, Vec<String>), Error>
    where
        F: Future<Output = Result<(Vec<T>, Vec<String>), Error>>,
        T: Ord,
    {
        let mut calls: futures::stream::FuturesUnordered<_> = stores
            .into_iter()
            .map(|store| {
                let call = ask(store.clone());
                async move {
                    call.await.map_err(|error| error.context(format!("fetch {what} from store {store}")))
                }
            })
            .collect();
        let (mut all, mut warnings) = (Vec::new(), Vec::new());
        while let Some(answer) = calls.next().await {
            match answer {
                Ok((values, more)) => {
                    all.extend(values);
                    warnings.extend(more);
                }
                Err(error) if partial_response == PartialResponse::Abort => return Err(error),
                Err(error) => warnings.push(error.to_string()),
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok((all, warnings))
    }
}

/// Cuts a sorted list to the limit of the request; below 1 there is none.
pub fn truncate_to_limit<T>(list: &mut Vec<T>, limit: i64) {
    if let Ok(limit) = usize::try_from(limit)
        && limit > 0
    {
        list.truncate(limit);
    }
}

#[async_trait]
impl StoreApi for ProxyStore {
    async fn series(&self, mut request: SeriesRequest) -> Result<SeriesStream, Error> {
        let Some(matchers) = match_external_labels(&request.matchers, &self.config.selector_labels) else {
            return Ok(futures::stream::empty().boxed());
        };
        if matchers.is_empty() {
            return Err(Error::invalid_argument("no matchers specified (excluding selector labels)"));
        }
        let stores = self.selected_stores();
        let abort = request.partial_response == PartialResponse::Abort;
        if stores.is_empty() && (self.stores)().is_empty() && abort {
            return Err(Error::new(ErrorKind::Unknown, "no stores available"));
        }
        let (stores, extra) =
            self.matching(&stores, request.min_time, request.max_time, &matchers, &request.context)?;
        let limit = request.limit;
        let log = request.context.log.take();
        // Thanos hands no hints on; those that ask for statistics are understood by every store that knows hints.
        let hints = request.hints.filter(hints::wants_stats).map(|_| hints::with_stats());
        let request =
            SeriesRequest { matchers: [matchers, extra].concat(), hints, step: 0, range: 0, ..request };
        let readers = stores
            .into_iter()
            .map(|store| {
                let call = log.as_ref().map(|log| log.begin(store.address.as_deref().unwrap_or_default()));
                fan_out::read(
                    store,
                    &request,
                    call,
                    self.config.response_timeout,
                    self.config.retrieval,
                    self.empty_streams.clone(),
                )
            })
            .collect();
        let merged = MergedSeries::new(readers);
        let events = merged.map(move |event| match event {
            // Thanos gives a failure to start a stream as it is, and one on the way as an aborted call.
            SeriesEvent::Warning(text) if abort && text.starts_with(fan_out::NOT_OPENED) => {
                Err(Error::new(ErrorKind::Unknown, text))
            }
            SeriesEvent::Warning(text) if abort => Err(Error::new(ErrorKind::Aborted, text)),
            event => Ok(event),
        });
        match usize::try_from(limit) {
            Ok(limit) if limit > 0 => Ok(fan_out::until_error(events.take(limit)).boxed()),
            _ => Ok(fan_out::until_error(events).boxed()),
        }
    }

    async fn label_names(&self, request: LabelNamesRequest) -> Result<LabelNamesResponse, Error> {
        let Some(matchers) = match_external_labels(&request.matchers, &self.config.selector_labels) else {
            return Ok(LabelNamesResponse::default());
        };
        let (stores, extra) =
            self.matching(&self.selected_stores(), request.start, request.end, &matchers, &request.context)?;
        let limit = request.limit;
        let partial_response = request.partial_response;
        let request = LabelNamesRequest { matchers: [matchers, extra].concat(), limit: 0, ..request };
        let (mut names, warnings) = Self::gather(stores, partial_response, "label names", |store| {
            let request = request.clone();
            async move {
                let answer = store.api.label_names(request).await?;
                Ok((answer.names, answer.warnings))
            }
        })
        .await?;
        truncate_to_limit(&mut names, limit);
        Ok(LabelNamesResponse { names, warnings, hints: None })
    }

    async fn label_values(&self, request: LabelValuesRequest) -> Result<LabelValuesResponse, Error> {
        if request.label.is_empty() {
            return Err(Error::invalid_argument("label name parameter cannot be empty"));
        }
        let Some(matchers) = match_external_labels(&request.matchers, &self.config.selector_labels) else {
            return Ok(LabelValuesResponse::default());
        };
        let (stores, extra) =
            self.matching(&self.selected_stores(), request.start, request.end, &matchers, &request.context)?;
        let limit = request.limit;
        let partial_response = request.partial_response;
        let request = LabelValuesRequest { matchers: [matchers, extra].concat(), hints: None, ..request };
        let (mut values, warnings) = Self::gather(stores, partial_response, "label values", |store| {
            let request = request.clone();
            async move {
                let answer = store.api.label_values(request).await?;
                Ok((answer.values, answer.warnings))
            }
        })
        .await?;
        truncate_to_limit(&mut values, limit);
        Ok(LabelValuesResponse { values, warnings, hints: None })
    }
}
