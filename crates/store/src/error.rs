//! Errors of building and running the gateway. Requests fail with `storeapi::Error`.

use std::path::PathBuf;

/// Why the gateway could not be built, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be used.
    #[error("{0}")]
    Config(String),
    /// A metric is registered already.
    #[error("register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The blocks of the bucket could not be learned.
    #[error("sync block: {0}")]
    Sync(String),
    /// The data directory cannot be used.
    #[error("{}: {source}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A block could not be loaded.
    #[error("block {block}: {why}")]
    Block {
        /// The block.
        block: ulid::Ulid,
        /// What is wrong.
        why: String,
    },
    /// Blocks in the bucket.
    #[error(transparent)]
    Bucket(#[from] bucket::Error),
    /// The HTTP server.
    #[error(transparent)]
    Http(#[from] server::http::Error),
    /// The gRPC server.
    #[error(transparent)]
    Grpc(#[from] server::grpc::Error),
    /// A part of the gateway ended with an error.
    #[error(transparent)]
    Run(#[from] server::run::Error),
}

/// An error of a request about one block, from an error of the bucket.
pub(crate) fn of_bucket(error: &objstore::Error) -> storeapi::Error {
    storeapi::Error::new(storeapi::ErrorKind::Aborted, error)
}

/// An error of a request, from bytes that no writer would have written.
pub(crate) fn of_data(error: impl std::fmt::Display) -> storeapi::Error {
    storeapi::Error::new(storeapi::ErrorKind::Aborted, error)
}

/// Runs work that computes or touches mapped files on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, storeapi::Error> + Send + 'static,
) -> Result<T, storeapi::Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(storeapi::Error::internal(error)),
    }
}
