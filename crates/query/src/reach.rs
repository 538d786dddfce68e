//! Which endpoints a query asks, and which it does not, so that a page can say how much of the data an answer stands for.

use promql::engine::Query;
use serde::Serialize;

use crate::api::{QueryApi, QueryOptions};

/// The endpoints of one query.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Reach {
    /// Endpoints with series that are known or configured.
    total: usize,
    /// How many were asked.
    asked: usize,
    /// Those that cannot have what is asked for, by their labels and times, or that the request leaves out.
    skipped: Vec<String>,
    /// Those that are not asked because they did not answer last time, or never.
    down: Vec<String>,
    /// Those that were asked and failed.
    failed: Vec<Failed>,
    #[serde(skip)]
    names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Failed {
    name: String,
    error: String,
}

impl Reach {
    /// Finds in the warnings of the answer which of the asked endpoints failed.
    pub(crate) fn with_warnings(mut self, warnings: &[String]) -> Self {
        for name in &self.names {
            // As the proxy names a store in its warnings.
            let named = format!("Addr: {name} ");
            if let Some(warning) = warnings.iter().find(|warning| warning.contains(&named)) {
                self.failed.push(Failed { name: name.clone(), error: warning.clone() });
            }
        }
        self
    }
}

impl QueryApi {
    /// The endpoints that the selects of `query` reach, by the same rules as the proxy's.
    pub(crate) fn reach(&self, query: &Query, options: &QueryOptions) -> Reach {
        let mut reach = Reach::default();
        let selector = &self.config.selector;
        for store in self.endpoints.stores() {
            let Some(name) = store.address.clone().filter(|_| selector.matches(&store.label_sets)) else {
                continue;
            };
            reach.total += 1;
            let asked = query.selects().iter().any(|select| {
                let stores = &options.store_matchers;
                store.mismatch(select.mint, select.maxt, &select.matchers, stores).is_none()
            });
            match asked {
                true => reach.names.push(name),
                false => reach.skipped.push(name),
            }
        }
        reach.asked = reach.names.len();
        let known = self.endpoints.status().into_iter();
        let known = known.filter(|status| !status.queryable && status.apis.contains(&"store"));
        for status in known.chain(self.endpoints.unreached()) {
            if selector.matches(&status.label_sets) {
                reach.total += 1;
                reach.down.push(status.name);
            }
        }
        reach.down.sort_unstable();
        reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_found_in_the_warnings() {
        let reach = Reach { names: vec!["a:1".into(), "a:10".into()], ..Reach::default() };
        let warning = "receive series from Addr: a:10 MinTime: 0 MaxTime: 1: index is gone".to_owned();
        let failed = reach.with_warnings(&["no name".into(), warning.clone()]).failed;
        assert_eq!(failed, [Failed { name: "a:10".into(), error: warning }]);
    }
}
