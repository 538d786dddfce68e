//! Rules, targets, metadata, exemplars and TSDB status of all endpoints, as one.
//!
//! [`Fanout`] asks the endpoints that serve an API and hands their answers on, which is what the querier serves over gRPC. The
//! methods named `merged_…` also join what replicas said, which is what the HTTP API shows.

mod exemplars;
mod metadata;
mod rules;
pub(crate) mod status;
mod targets;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use model::labels::Labels;
use proto::thanos::PartialResponseStrategy;
use storeapi::endpoint::{EndpointSet, ServingEndpoint};
use storeapi::{Error, Info, WithWarnings};

pub use rules::{MergedGroup, RuleFilter};
pub use targets::MergedTargets;

/// The APIs beside StoreAPI over all endpoints. Clones share the endpoints.
#[derive(Clone)]
pub struct Fanout {
    endpoints: EndpointSet,
    selector_labels: Labels,
    replica_labels: Vec<String>,
}

impl Fanout {
    /// A fan-out over the endpoints.
    pub fn new(endpoints: EndpointSet, selector_labels: Labels, replica_labels: Vec<String>) -> Self {
        Fanout { endpoints, selector_labels, replica_labels }
    }

    fn serving(&self, api: impl Fn(&Info) -> bool) -> Vec<ServingEndpoint> {
        self.endpoints.serving(api)
    }
}

/// What one endpoint answered.
struct Answer<T> {
    endpoint: String,
    value: T,
}

/// Something with the endpoints that have it, sorted by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// The thing.
    pub value: T,
    /// Names of endpoints.
    pub sources: Vec<String>,
}

impl<T> Sourced<T> {
    fn of(value: T, endpoint: &str) -> Self {
        Sourced { value, sources: vec![endpoint.to_owned()] }
    }

    /// Adds where an equal thing came from.
    fn join(&mut self, sources: Vec<String>) {
        self.sources.extend(sources);
        self.sources.sort_unstable();
        self.sources.dedup();
    }
}

/// Calls endpoints at once and gathers their answers in the order of the endpoints. One that fails is a warning naming it, or
/// fails the whole.
async fn ask_all<R, T, F>(
    asked: Vec<(ServingEndpoint, R)>,
    strategy: i32,
    what: &str,
    call: impl Fn(ServingEndpoint, R) -> F,
) -> Result<WithWarnings<Vec<Answer<T>>>, Error>
where
    F: Future<Output = Result<WithWarnings<T>, Error>>,
{
    let abort = strategy == i32::from(PartialResponseStrategy::Abort);
    let mut calls: FuturesUnordered<_> = asked
        .into_iter()
        .enumerate()
        .map(|(position, (endpoint, request))| {
            let name = endpoint.name.clone();
            let answer = call(endpoint, request);
            async move {
                match answer.await {
                    Ok(answer) => (position, Ok((name, answer))),
                    Err(error) => {
                        let error = error.context(format!("fetching {what} from {what} client {name}"));
                        (position, Err(error))
                    }
                }
            }
        })
        .collect();
    let mut answers = Vec::new();
    let mut warnings = Vec::new();
    while let Some((position, answer)) = calls.next().await {
        match answer {
            Ok((endpoint, answer)) => {
                warnings.extend(answer.warnings);
                answers.push((position, Answer { endpoint, value: answer.value }));
            }
            Err(error) if abort => return Err(error),
            Err(error) => warnings.push(error.to_string()),
        }
    }
    answers.sort_by_key(|(position, _)| *position);
    Ok(WithWarnings { value: answers.into_iter().map(|(_, value)| value).collect(), warnings })
}
