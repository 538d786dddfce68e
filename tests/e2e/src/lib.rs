//! Helpers that start the real binaries on loopback, one module per program.
//!
//! Every process gets free ports, a folder and a log of its own, and ends with the value that holds it. Waiting is for
//! readiness only. The `thanos` under test is `target/<profile>/thanos`, or what `THANOS` names.

pub mod compactor;
pub mod compare;
pub mod dataset;
pub mod exact;
pub mod history;
pub mod http;
pub mod process;
pub mod programs;
