//! Addresses from DNS: `dns+`, `dnssrv+`, `dnssrvnoa+`, `dnsdualstack+`. The last good result of a name is kept.

mod resolver;

use std::collections::BTreeMap;
use std::sync::Arc;

use ::prometheus::{GaugeVec, IntCounter, Opts, Registry};
use async_trait::async_trait;
use parking_lot::RwLock;

pub use resolver::SystemResolver;

/// Why a lookup failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The server could not be asked or answered with a failure.
    #[error("lookup {what} {name:?}: {cause}")]
    Lookup {
        /// What was looked up.
        what: &'static str,
        /// The name.
        name: String,
        /// The cause.
        cause: String,
    },
    /// The address has no port where one is needed.
    #[error("missing port in address given for {scheme} lookup: {name}")]
    MissingPort {
        /// Kind of lookup.
        scheme: &'static str,
        /// The address.
        name: String,
    },
    /// An unknown prefix.
    #[error("invalid lookup scheme {0:?}")]
    Scheme(String),
}

/// Asks the DNS. A name that does not exist is an empty answer, not an error.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Addresses of `host`: IPv4 when there are any, else IPv6.
    async fn ips(&self, host: &str) -> Result<Vec<std::net::IpAddr>, String>;
    /// IPv6 and IPv4 addresses of `host`; an error only when neither could be had.
    async fn ips_dual_stack(&self, host: &str) -> Result<Vec<std::net::IpAddr>, String>;
    /// SRV records of `name` as target and port.
    async fn srv(&self, name: &str) -> Result<Vec<(String, u16)>, String>;
}

/// Splits an address into its lookup prefix, empty when there is none, and the rest.
pub fn split_scheme(address: &str) -> (&str, &str) {
    address.split_once('+').unwrap_or(("", address))
}

/// Whether an address is to be looked up.
pub fn is_dynamic(address: &str) -> bool {
    !split_scheme(address).0.is_empty()
}

struct Metrics {
    results: GaugeVec,
    lookups: IntCounter,
    failures: IntCounter,
}

/// Resolves a list of addresses again and again. Clones share the results.
#[derive(Clone)]
pub struct Provider {
    inner: Arc<Inner>,
}

struct Inner {
    resolver: Arc<dyn Resolve>,
    /// Results by configured address.
    resolved: RwLock<BTreeMap<String, Vec<String>>>,
    metrics: Metrics,
}

impl Provider {
    /// Creates a provider without results. `prefix` begins the metric names, as in `thanos_query_endpoints_`.
    ///
    /// # Errors
    /// When the metrics are already registered.
    pub fn new(
        resolver: Arc<dyn Resolve>,
        registry: &Registry,
        prefix: &str,
    ) -> Result<Self, ::prometheus::Error> {
        let results = GaugeVec::new(
            Opts::new(
                format!("{prefix}dns_provider_results"),
                "Number of addresses found for each configured address.",
            ),
            &["addr"],
        )?;
        let lookups = IntCounter::new(format!("{prefix}dns_lookups_total"), "Number of DNS lookups.")?;
        let failures =
            IntCounter::new(format!("{prefix}dns_failures_total"), "Number of failed DNS lookups.")?;
        registry.register(Box::new(results.clone()))?;
        registry.register(Box::new(lookups.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        let metrics = Metrics { results, lookups, failures };
        Ok(Self { inner: Arc::new(Inner { resolver, resolved: RwLock::default(), metrics }) })
    }

    /// Looks up `addresses`. A failed lookup leaves the last result of that address in place. When all succeed, results of
    /// addresses no longer listed are forgotten; after a failure they stay until the next success.
    ///
    /// # Errors
    /// The failures, in the order of the addresses.
    pub async fn resolve(&self, addresses: &[String]) -> Result<(), Vec<Error>> {
        let mut found = BTreeMap::new();
        let mut failures = Vec::new();
        for address in addresses {
            let (scheme, name) = split_scheme(address);
            if scheme.is_empty() {
                found.insert(name.to_owned(), vec![name.to_owned()]);
                continue;
            }
            self.inner.metrics.lookups.inc();
            match lookup(&*self.inner.resolver, scheme, name).await {
                Ok(result) => {
                    found.insert(address.clone(), result);
                }
                Err(error) => {
                    self.inner.metrics.failures.inc();
                    failures.push(error);
                }
            }
        }
        let mut resolved = self.inner.resolved.write();
        if failures.is_empty() {
            resolved.clear();
        }
        resolved.extend(found);
        self.inner.metrics.results.reset();
        for (address, result) in resolved.iter() {
            self.inner.metrics.results.with_label_values(&[address.as_str()]).set(result.len() as f64);
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// All addresses found, by configured address in order; an address found twice is there twice.
    pub fn addresses(&self) -> Vec<String> {
        self.inner.resolved.read().values().flatten().cloned().collect()
    }

    /// What was found for one configured address.
    pub fn addresses_of(&self, configured: &str) -> Vec<String> {
        self.inner.resolved.read().get(configured).cloned().unwrap_or_default()
    }
}

/// Looks up one name. A `scheme://` before the host is kept before each result.
async fn lookup(resolver: &dyn Resolve, scheme: &str, name: &str) -> Result<Vec<String>, Error> {
    let (url_scheme, name) = match name.split_once("//") {
        Some((url_scheme, rest)) => (format!("{url_scheme}//"), rest),
        None => (String::new(), name),
    };
    let (host, port) = split_port(name);
    let failed = |what, name: &str| {
        let name = name.to_owned();
        move |cause| Error::Lookup { what, name, cause }
    };
    let needed_port = |scheme| port.ok_or_else(|| Error::MissingPort { scheme, name: name.to_owned() });
    let mut out = Vec::new();
    match scheme {
        "dns" => {
            let port = needed_port("dns")?;
            for ip in resolver.ips(host).await.map_err(failed("IP addresses", host))? {
                out.push(format!("{url_scheme}{}", join(&ip.to_string(), port)));
            }
        }
        "dnsdualstack" => {
            let port = needed_port("dnsdualstack")?;
            for ip in
                resolver.ips_dual_stack(host).await.map_err(failed("IP addresses (dual-stack)", host))?
            {
                out.push(format!("{url_scheme}{}", join(&ip.to_string(), port)));
            }
        }
        "dnssrv" | "dnssrvnoa" => {
            for (target, srv_port) in resolver.srv(host).await.map_err(failed("SRV records", host))? {
                // A port that was given stands above the one of the record.
                let port = port.map_or_else(|| srv_port.to_string(), str::to_owned);
                if scheme == "dnssrvnoa" {
                    out.push(format!("{url_scheme}{}", join(target.trim_end_matches('.'), &port)));
                    continue;
                }
                for ip in resolver.ips(&target).await.map_err(failed("IP addresses", host))? {
                    out.push(format!("{url_scheme}{}", join(&ip.to_string(), &port)));
                }
            }
        }
        other => return Err(Error::Scheme(other.to_owned())),
    }
    if out.is_empty() {
        tracing::warn!(host, "IP address lookup yielded no results. No host found or no addresses found");
    }
    Ok(out)
}

fn split_port(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && (!host.contains(':') || host.ends_with(']')) => {
            (host.trim_start_matches('[').trim_end_matches(']'), Some(port))
        }
        _ => (name, None),
    }
}

fn join(host: &str, port: &str) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests;
