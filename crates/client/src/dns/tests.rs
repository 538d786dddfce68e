use super::*;
use parking_lot::Mutex;
use std::collections::HashMap;

#[derive(Default)]
struct Fake {
    ips: Mutex<HashMap<String, Vec<std::net::IpAddr>>>,
    srv: Mutex<HashMap<String, Vec<(String, u16)>>>,
    down: Mutex<bool>,
}

#[async_trait]
impl Resolve for Fake {
    async fn ips(&self, host: &str) -> Result<Vec<std::net::IpAddr>, String> {
        if *self.down.lock() {
            return Err("server failure".into());
        }
        Ok(self.ips.lock().get(host).cloned().unwrap_or_default())
    }

    async fn ips_dual_stack(&self, host: &str) -> Result<Vec<std::net::IpAddr>, String> {
        self.ips(host).await
    }

    async fn srv(&self, name: &str) -> Result<Vec<(String, u16)>, String> {
        if *self.down.lock() {
            return Err("server failure".into());
        }
        Ok(self.srv.lock().get(name).cloned().unwrap_or_default())
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn provider() -> (Arc<Fake>, Provider, Registry) {
    let fake = Arc::new(Fake::default());
    fake.ips.lock().insert("a.example".into(), vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()]);
    fake.ips.lock().insert("t.example.".into(), vec!["10.0.0.2".parse().unwrap()]);
    fake.srv.lock().insert("_grpc._tcp.b.example".into(), vec![("t.example.".into(), 901)]);
    let registry = Registry::new();
    (fake.clone(), Provider::new(fake, &registry, "thanos_query_endpoints_").unwrap(), registry)
}

#[tokio::test]
async fn each_prefix_has_its_lookup() {
    let (_, provider, _) = provider();
    for (address, expected) in [
        ("plain:1", vec!["plain:1"]),
        ("dns+a.example:10901", vec!["10.0.0.1:10901", "[::1]:10901"]),
        ("dns+http://a.example:80", vec!["http://10.0.0.1:80", "http://[::1]:80"]),
        ("dnsdualstack+a.example:1", vec!["10.0.0.1:1", "[::1]:1"]),
        ("dnssrv+_grpc._tcp.b.example", vec!["10.0.0.2:901"]),
        ("dnssrv+_grpc._tcp.b.example:7", vec!["10.0.0.2:7"]),
        ("dnssrvnoa+_grpc._tcp.b.example", vec!["t.example:901"]),
        ("dns+nobody.example:1", vec![]),
    ] {
        provider.resolve(&strings(&[address])).await.unwrap();
        assert_eq!(provider.addresses(), expected, "{address}");
    }
    let errors = provider.resolve(&strings(&["dns+a.example", "x+y:1"])).await.unwrap_err();
    assert_eq!(errors[0].to_string(), "missing port in address given for dns lookup: a.example");
    assert_eq!(errors[1].to_string(), "invalid lookup scheme \"x\"");
}

#[tokio::test]
async fn last_good_result_survives_failures() {
    let (fake, provider, registry) = provider();
    provider.resolve(&strings(&["dns+a.example:1", "gone:2"])).await.unwrap();
    *fake.down.lock() = true;
    let errors = provider.resolve(&strings(&["dns+a.example:1"])).await.unwrap_err();
    assert_eq!(errors[0].to_string(), "lookup IP addresses \"a.example\": server failure");
    assert_eq!(provider.addresses_of("dns+a.example:1"), ["10.0.0.1:1", "[::1]:1"]);
    assert_eq!(provider.addresses().len(), 3, "nothing is forgotten after a failure");
    let values: HashMap<String, f64> = registry
        .gather()
        .iter()
        .filter(|family| family.name().ends_with("_total"))
        .map(|family| (family.name().to_owned(), family.get_metric()[0].get_counter().get_value()))
        .collect();
    assert_eq!(values["thanos_query_endpoints_dns_lookups_total"], 2.0);
    assert_eq!(values["thanos_query_endpoints_dns_failures_total"], 1.0);
    *fake.down.lock() = false;
    provider.resolve(&strings(&["dns+a.example:1"])).await.unwrap();
    assert_eq!(provider.addresses().len(), 2);
}
