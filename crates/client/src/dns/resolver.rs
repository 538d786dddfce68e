//! DNS by the system's configuration (`/etc/resolv.conf`, `/etc/hosts`), asked anew each time.

use std::net::IpAddr;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::Resolve;

/// Asks the servers of `/etc/resolv.conf`. The file is read for each lookup, which is once per refresh interval, so that a
/// changed network needs no restart.
#[derive(Debug, Default)]
pub struct SystemResolver;

impl SystemResolver {
    fn resolver() -> Result<TokioResolver, String> {
        let mut builder = TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
        // Answers are wanted as they are now; keeping the last good one is the provider's work.
        builder.options_mut().cache_size = 0;
        builder.options_mut().try_tcp_on_error = true;
        builder.build().map_err(|error| error.to_string())
    }
}

/// No such name, or none of this type, is an empty answer.
fn or_empty<T>(outcome: Result<Vec<T>, NetError>) -> Result<Vec<T>, String> {
    match outcome {
        Err(error) if error.is_nx_domain() || error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
        Ok(found) => Ok(found),
    }
}

async fn ips_of_type(resolver: &TokioResolver, host: &str, kind: RecordType) -> Result<Vec<IpAddr>, String> {
    let name = Name::from_utf8(host).map_err(|error| error.to_string())?;
    or_empty(resolver.lookup(name, kind).await.map(|lookup| {
        lookup
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::A(address) => Some(IpAddr::V4(address.0)),
                RData::AAAA(address) => Some(IpAddr::V6(address.0)),
                _ => None,
            })
            .collect()
    }))
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn ips(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let resolver = Self::resolver()?;
        or_empty(resolver.lookup_ip(host).await.map(|lookup| lookup.iter().collect()))
    }

    async fn ips_dual_stack(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(ip) = host.parse() {
            return Ok(vec![ip]);
        }
        let resolver = Self::resolver()?;
        let six = ips_of_type(&resolver, host, RecordType::AAAA).await;
        let four = ips_of_type(&resolver, host, RecordType::A).await;
        match (six, four) {
            (Ok(mut six), Ok(four)) => {
                six.extend(four);
                Ok(six)
            }
            (Ok(found), Err(error)) | (Err(error), Ok(found)) if found.is_empty() => Err(error),
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            (Err(six), Err(four)) => Err(format!("{six}; {four}")),
        }
    }

    async fn srv(&self, name: &str) -> Result<Vec<(String, u16)>, String> {
        let resolver = Self::resolver()?;
        or_empty(resolver.srv_lookup(name).await.map(|lookup| {
            lookup
                .answers()
                .iter()
                .filter_map(|record| match &record.data {
                    RData::SRV(srv) => Some((srv.target.to_utf8(), srv.port)),
                    _ => None,
                })
                .collect()
        }))
    }
}
