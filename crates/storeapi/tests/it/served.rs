//! A store served over gRPC on loopback, and the client for it.

use std::sync::Arc;

use client::grpc::{Dialer, Options};
use storeapi::StoreApi;
use storeapi::grpc::{Remote, server};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;

/// Ends the server when dropped.
pub(crate) struct Served(JoinHandle<()>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn serve(store: Arc<dyn StoreApi>) -> (Remote, Served) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tonic::transport::Server::builder()
        .add_service(server::store(store))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let task = tokio::spawn(async move { served.await.unwrap() });
    let channel = Dialer::new(None, &[]).unwrap().dial(&address, &Options::default()).unwrap();
    (Remote::new(channel), Served(task))
}
