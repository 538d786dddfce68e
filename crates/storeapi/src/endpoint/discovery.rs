//! From configured endpoints to endpoints: DNS lookups, file discovery, groups, dialling.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use client::dns::{Provider, is_dynamic};
use client::grpc::{Channel, Dialer, Group};
use parking_lot::Mutex;
use prometheus::{IntCounter, Registry};
use tokio_util::sync::CancellationToken;

use super::{EndpointConfig, EndpointSettings, EndpointSource, EndpointSpec, Endpoints};
use crate::grpc::Remote;

/// Where endpoints come from.
pub struct DiscoveryConfig {
    /// The configured endpoints at this moment; changes when the file behind them does.
    pub endpoints: Arc<dyn Fn() -> EndpointConfig + Send + Sync>,
    /// Addresses of file discovery (`--store.sd-files`) at this moment.
    pub file_sd: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Time between two lookups (`--store.sd-dns-interval`).
    pub dns_interval: Duration,
    /// The component, as in the metric names: `query` or `rule`.
    pub component: String,
}

/// Finds and dials endpoints.
pub struct Discovery {
    config: DiscoveryConfig,
    dialer: Dialer,
    dns: Provider,
    group_dns: Provider,
    groups: Mutex<BTreeMap<String, (Channel, Arc<Group>)>>,
    duplicated: IntCounter,
}

impl Discovery {
    /// A discovery that has looked nothing up yet.
    pub fn new(
        config: DiscoveryConfig,
        dialer: Dialer,
        resolver: Arc<dyn client::dns::Resolve>,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let component = &config.component;
        let dns = Provider::new(resolver.clone(), registry, &format!("thanos_{component}_endpoints_"))?;
        let group_dns = Provider::new(resolver, registry, &format!("thanos_{component}_endpoint_groups_"))?;
        let duplicated = IntCounter::new(
            format!("thanos_{component}_duplicated_endpoint_addresses_total"),
            "How often an address was configured more than once.",
        )?;
        registry.register(Box::new(duplicated.clone()))?;
        Ok(Discovery { config, dialer, dns, group_dns, groups: Mutex::default(), duplicated })
    }

    /// Looks up all names once.
    pub async fn resolve(&self) {
        let config = (self.config.endpoints)();
        let (groups, singles): (Vec<_>, Vec<_>) =
            config.endpoints.iter().partition(|endpoint| endpoint.group);
        let mut names: Vec<String> =
            singles.iter().map(|one| one.address.clone()).filter(|address| is_dynamic(address)).collect();
        names.extend((self.config.file_sd)());
        log_failures("failed to resolve addresses for endpoints", self.dns.resolve(&names).await);
        let names: Vec<String> = groups.iter().map(|group| group.address.clone()).collect();
        log_failures("failed to resolve addresses of endpoint groups", self.group_dns.resolve(&names).await);
        for (name, (_, group)) in self.groups.lock().iter() {
            self.fill(name, group);
        }
    }

    /// Looks up all names every interval until `shutdown`.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(self.config.dns_interval.max(Duration::from_millis(100)));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // A lookup may stop half way: its results are taken in at its end, at once.
                () = shutdown.cancelled() => return,
                _ = async { tick.tick().await; self.resolve().await } => {}
            }
        }
    }

    fn fill(&self, name: &str, group: &Group) {
        if let Err(error) = group.set_addresses(&self.group_dns.addresses_of(name)) {
            tracing::error!(group = name, err = %error, "failed to set the addresses of an endpoint group");
        }
    }

    fn group_channel(&self, settings: &EndpointSettings) -> Channel {
        let mut groups = self.groups.lock();
        let (channel, _) = groups.entry(settings.address.clone()).or_insert_with(|| {
            let (channel, group) = self.dialer.dial_group(&settings.options);
            self.fill(&settings.address, &group);
            (channel, group)
        });
        channel.clone()
    }

    /// Name and settings of all endpoints, each name once, the last one of a name winning.
    fn settings(&self) -> BTreeMap<String, EndpointSettings> {
        let config = (self.config.endpoints)();
        let configured = config.endpoints.into_iter().filter_map(|endpoint| {
            match (endpoint.group, is_dynamic(&endpoint.address)) {
                (true, _) => Some((format!("thanos:///{}", endpoint.address), endpoint)),
                (false, false) => Some((endpoint.address.clone(), endpoint)),
                (false, true) => None,
            }
        });
        let options = config.default_options;
        let found = self.dns.addresses().into_iter().map(|address| {
            let settings = EndpointSettings {
                address: address.clone(),
                strict: false,
                group: false,
                options: options.clone(),
            };
            (address, settings)
        });
        let mut all = BTreeMap::new();
        for (name, settings) in configured.chain(found) {
            if all.contains_key(&name) {
                tracing::warn!(addr = name, "Duplicate endpoint address is provided");
                self.duplicated.inc();
            }
            all.insert(name, settings);
        }
        all
    }
}

fn log_failures(message: &str, outcome: Result<(), Vec<client::dns::Error>>) {
    if let Err(errors) = outcome {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        tracing::error!(err = errors.join("; "), "{message}");
    }
}

impl EndpointSource for Discovery {
    fn endpoints(&self, known: &dyn Fn(&str) -> bool) -> Endpoints {
        let mut endpoints = Endpoints::default();
        for (name, settings) in self.settings() {
            endpoints.names.insert(name.clone());
            if known(&name) {
                continue;
            }
            let channel = if settings.group {
                self.group_channel(&settings)
            } else {
                match self.dialer.dial(&settings.address, &settings.options) {
                    Ok(channel) => channel,
                    Err(error) => {
                        tracing::warn!(err = %error, address = name, "new endpoint creation failed");
                        continue;
                    }
                }
            };
            endpoints.fresh.push(EndpointSpec {
                name,
                strict: settings.strict,
                remote: Remote::new(channel),
            });
        }
        endpoints
    }
}
