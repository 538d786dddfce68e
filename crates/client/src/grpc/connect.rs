//! Opening the TCP or TLS connection under a channel.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tower::Service;

use crate::tls::{ClientTls, Error};

/// A byte stream of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

#[derive(Clone)]
pub(super) struct Connector {
    target: Arc<Target>,
}

struct Target {
    address: String,
    tls: Option<(ClientTls, ServerName<'static>)>,
}

impl Connector {
    /// Checks the TLS settings by building them once.
    pub(super) fn new(uri: &Uri, tls: Option<ClientTls>) -> Result<Self, Error> {
        let address = uri.authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
        let host = uri.host().unwrap_or_default();
        let tls = match tls {
            None => None,
            Some(tls) => {
                tls.build(&[b"h2"])?;
                let name =
                    tls.server_name.clone().unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
                let name = ServerName::try_from(name.clone())
                    .map_err(|error| Error::Setup(format!("server name {name:?}: {error}")))?;
                Some((tls, name))
            }
        };
        Ok(Self { target: Arc::new(Target { address, tls }) })
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let target = self.target.clone();
        Box::pin(async move {
            let stream =
                TcpStream::connect(&target.address).await.map_err(|error| naming(&target.address, error))?;
            stream.set_nodelay(true)?;
            let Some((tls, name)) = &target.tls else {
                return Ok(TokioIo::new(Box::new(stream) as Box<dyn Stream>));
            };
            let config = tls.build(&[b"h2"]).map_err(io::Error::other)?;
            let stream = TlsConnector::from(config).connect(name.clone(), stream).await;
            let stream = stream.map_err(|error| naming(&target.address, error))?;
            Ok(TokioIo::new(Box::new(stream) as Box<dyn Stream>))
        })
    }
}

fn naming(address: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("connect {address}: {error}"))
}
