//! The servers over real sockets on loopback.

mod certs;
mod grpc;
mod http;

use std::net::SocketAddr;

use prometheus::Registry;
use server::Probes;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server that runs in a task.
struct Running {
    address: SocketAddr,
    probes: Probes,
    registry: Registry,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stopped(self) {
        self.stop.cancel();
        self.task.await.expect("the server ends without a panic");
    }

    fn metrics(&self) -> String {
        server::metrics::encode_text(&self.registry)
    }
}
