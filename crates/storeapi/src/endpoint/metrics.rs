//! `thanos_store_nodes_grpc_connections`: how many endpoints are queried, by external labels, kind or address.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use prometheus::{GaugeVec, Opts, Registry};

use super::state::Endpoint;

/// Longest label value made of external labels, bytes.
const EXTERNAL_LABELS_LIMIT: usize = 1000;

/// A label of the metric (`--query.conn-metric.label`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionLabel {
    /// External label sets.
    ExternalLabels,
    /// Kind of component.
    StoreType,
    /// Address.
    IpPort,
}

impl ConnectionLabel {
    /// The label's name, which is also the flag's value.
    pub fn name(self) -> &'static str {
        match self {
            ConnectionLabel::ExternalLabels => "external_labels",
            ConnectionLabel::StoreType => "store_type",
            ConnectionLabel::IpPort => "ip_port",
        }
    }

    /// The label of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [ConnectionLabel::ExternalLabels, ConnectionLabel::StoreType, ConnectionLabel::IpPort]
            .into_iter()
            .find(|label| label.name() == name)
    }

    fn value(self, endpoint: &Endpoint) -> String {
        match self {
            ConnectionLabel::ExternalLabels => external_labels(endpoint.label_sets_text()),
            ConnectionLabel::StoreType => endpoint.component().name().to_owned(),
            ConnectionLabel::IpPort => endpoint.name.clone(),
        }
    }
}

fn external_labels(mut text: String) -> String {
    if text.is_empty() {
        return "no_external_labels".to_owned();
    }
    if text.len() > EXTERNAL_LABELS_LIMIT {
        text.truncate(text.floor_char_boundary(EXTERNAL_LABELS_LIMIT - 1));
        text.push('}');
    }
    text
}

pub(super) struct Connections {
    labels: Vec<ConnectionLabel>,
    gauge: GaugeVec,
    shown: Mutex<BTreeSet<Vec<String>>>,
}

impl Connections {
    pub(super) fn new(labels: &[ConnectionLabel], registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = if labels.is_empty() {
            vec![ConnectionLabel::ExternalLabels, ConnectionLabel::StoreType]
        } else {
            labels.to_vec()
        };
        let names: Vec<&str> = labels.iter().map(|label| label.name()).collect();
        let help = "Number of gRPC connections to endpoints that answer and are queried.";
        let gauge = GaugeVec::new(Opts::new("thanos_store_nodes_grpc_connections", help), &names)?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Connections { labels, gauge, shown: Mutex::default() })
    }

    pub(super) fn update<'a>(&self, queried: impl Iterator<Item = &'a Endpoint>) {
        let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for endpoint in queried {
            *counts.entry(self.labels.iter().map(|label| label.value(endpoint)).collect()).or_default() += 1;
        }
        let mut shown = self.shown.lock();
        for (values, count) in &counts {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            self.gauge.with_label_values(&values).set(*count as f64);
        }
        for gone in shown.iter().filter(|values| !counts.contains_key(*values)) {
            let values: Vec<&str> = gone.iter().map(String::as_str).collect();
            // Fails only when the series is not there, which is what is wanted.
            let _ = self.gauge.remove_label_values(&values);
        }
        *shown = counts.into_keys().collect();
    }
}
