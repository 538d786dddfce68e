use std::sync::atomic::{AtomicBool, Ordering};

use client::grpc::{Dialer, Options};
use tokio::net::TcpListener;

use super::*;
use crate::StoreDetails;
use crate::grpc::server;

/// An Info server that can be told to fail.
async fn serve(
    component: ComponentType,
    labels: &[(&str, &str)],
) -> (String, Arc<AtomicBool>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let failing = Arc::new(AtomicBool::new(false));
    let (fail, labels) = (failing.clone(), Labels::from_pairs(labels.to_vec()));
    let provider = move || {
        assert!(!fail.load(Ordering::SeqCst), "told to fail");
        let mut info = Info::new(component);
        info.label_sets = vec![labels.clone(), Labels::empty()];
        info.store = Some(StoreDetails {
            min_time: 5,
            max_time: 10,
            supports_sharding: true,
            supports_without_replica_labels: true,
            supports_projections: false,
            tsdb_infos: vec![],
        });
        info
    };
    let served = tonic::transport::Server::builder()
        .add_service(server::info(Arc::new(provider)))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    (address, failing, tokio::spawn(async move { served.await.unwrap() }))
}

struct Static {
    dialer: Dialer,
    addresses: parking_lot::Mutex<Vec<(String, bool)>>,
}

impl EndpointSource for Static {
    fn endpoints(&self, known: &dyn Fn(&str) -> bool) -> Endpoints {
        let mut endpoints = Endpoints::default();
        for (name, strict) in self.addresses.lock().iter().cloned() {
            endpoints.names.insert(name.clone());
            if !known(&name) {
                let remote = Remote::new(self.dialer.dial(&name, &Options::default()).unwrap());
                endpoints.fresh.push(EndpointSpec { name, strict, remote });
            }
        }
        endpoints
    }
}

fn set(addresses: &[(&str, bool)], unhealthy: Duration) -> (EndpointSet, Arc<Static>, Registry) {
    let addresses = addresses.iter().map(|(address, strict)| ((*address).to_owned(), *strict)).collect();
    let source = Arc::new(Static {
        dialer: Dialer::new(None, &[]).unwrap(),
        addresses: parking_lot::Mutex::new(addresses),
    });
    let registry = Registry::new();
    let config = EndpointSetConfig {
        unhealthy_timeout: unhealthy,
        info_timeout: Duration::from_millis(500),
        metric_labels: vec![],
    };
    (EndpointSet::new(config, source.clone(), &registry).unwrap(), source, registry)
}

fn connections(registry: &Registry) -> Vec<(String, f64)> {
    registry
        .gather()
        .iter()
        .filter(|family| family.name() == "thanos_store_nodes_grpc_connections")
        .flat_map(|family| family.get_metric().to_vec())
        .map(|metric| {
            let labels: Vec<String> =
                metric.get_label().iter().map(|l| format!("{}={}", l.name(), l.value())).collect();
            (labels.join(" "), metric.get_gauge().get_value())
        })
        .collect()
}

#[tokio::test]
async fn an_endpoint_that_never_answered_is_told_of_apart() {
    let (address, _, _server) = serve(ComponentType::Store, &[("a", "b")]).await;
    let (set, _, _) = set(&[(&address, false), ("127.0.0.1:1", false)], Duration::from_secs(60));
    set.update().await;
    let known = set.status();
    assert_eq!((known.len(), known[0].apis.as_slice(), known[0].queryable), (1, ["store"].as_slice(), true));
    let unreached = set.unreached();
    assert_eq!((unreached.len(), unreached[0].name.as_str()), (1, "127.0.0.1:1"));
    assert!(unreached[0].last_error.is_some() && !unreached[0].queryable && unreached[0].apis.is_empty());
}

#[tokio::test]
async fn endpoints_come_and_go() {
    let (address, _, _task) = serve(ComponentType::Sidecar, &[("cluster", "eu1")]).await;
    let (set, source, registry) = set(&[(&address, false)], Duration::from_secs(60));
    set.update().await;
    assert!(set.wait_for_first_update(Duration::from_secs(1)).await);
    let status = &set.status()[0];
    assert_eq!(
        (status.name.as_str(), status.component, status.min_time),
        (address.as_str(), ComponentType::Sidecar, 5)
    );
    assert_eq!(status.label_sets, [Labels::from_pairs([("cluster", "eu1")])]);
    assert_eq!(set.stores()[0].to_string(), format!("Addr: {address} MinTime: 5 MaxTime: 10"));
    assert_eq!(
        connections(&registry),
        [("external_labels={cluster=\"eu1\"} store_type=sidecar".to_owned(), 1.0)]
    );

    source.addresses.lock().clear();
    set.update().await;
    assert!(set.status().is_empty() && set.stores().is_empty());
    assert_eq!(connections(&registry), []);
}

#[tokio::test]
async fn endpoint_that_never_answered_is_not_taken_in_but_a_strict_one_is() {
    // A port that was free a moment ago refuses connections.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (loose, ..) = set(&[(&free, false)], Duration::from_secs(60));
    loose.update().await;
    assert!(loose.status().is_empty());
    let (strict, ..) = set(&[(&free, true)], Duration::ZERO);
    strict.update().await;
    strict.update().await;
    let status = &strict.status()[0];
    assert!(status.last_error.as_ref().unwrap().contains("refused"), "{status:?}");
    assert_eq!(strict.stores()[0].min_time, i64::MIN);
}

#[tokio::test]
async fn failing_endpoint_is_shown_but_not_queried_and_forgotten_in_time() {
    let (address, failing, task) = serve(ComponentType::Store, &[]).await;
    let (patient, ..) = set(&[(&address, false)], Duration::from_secs(60));
    let (hasty, ..) = set(&[(&address, false)], Duration::ZERO);
    patient.update().await;
    hasty.update().await;
    assert_eq!(patient.stores().len(), 1);
    assert!(hasty.status().len() == 1);
    failing.store(true, Ordering::SeqCst);
    task.abort();
    patient.update().await;
    hasty.update().await;
    assert!(patient.status()[0].last_error.is_some() && patient.stores().is_empty());
    assert!(hasty.status().is_empty());
}
