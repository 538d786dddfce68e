//! The id of the request being served, carried from an HTTP or gRPC door to the calls made for it.
//!
//! The id lives in the task; work spawned elsewhere for the same request wraps itself in [`scope`] again.

use std::future::Future;

/// gRPC metadata key that carries the id.
pub const METADATA_KEY: &str = "request-id";

tokio::task_local! {
    static CURRENT: String;
}

/// Runs `future` with `id` as the current request id.
pub async fn scope<F: Future>(id: String, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

/// The current request id, when inside [`scope`].
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}
