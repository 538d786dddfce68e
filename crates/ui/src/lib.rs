//! The web pages: the files that `ui/` builds, embedded and compressed, and the one index that every page route gets.
//!
//! The pages are a program in the browser that reads what its component can do from the index ([`Page`]) and everything else from the
//! HTTP APIs. Nothing here knows a component.

mod assets;
mod encoding;
mod index;
mod prefix;
mod routes;

pub use assets::Assets;
pub use index::Page;
pub use prefix::Prefix;
pub use routes::{redirects, routes};
