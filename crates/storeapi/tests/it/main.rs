//! StoreAPI end to end within the crate: the acceptance suite, the proxy, recorded calls.

mod accepted;
mod golden;
mod proxied;
mod served;
