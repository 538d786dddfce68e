//! Runs scripts in the test language of Prometheus's engine: `load` series, `eval` queries, compare what they give.
//!
//! ```text
//! load 1m
//!     up{job="a"} 1+1x5
//!
//! eval instant at 2m sum(up)
//!     expect no_warn
//!     {} 3
//! ```
//!
//! The language is described in `promql/promqltest/README.md` of Prometheus. Every instant query is also run with its
//! time pinned by `@` at other times, and as the middle step of a range query, as Prometheus's own runner does.

mod compare;
mod eval;
mod load;
mod nhcb;
mod run;
mod script;
mod storage;

use std::time::Duration;

use crate::engine::EngineOptions;

pub use run::{Failure, Report, run};
pub use script::Script;
pub use storage::{AppendError, MemoryStorage};

/// The number of samples that Prometheus's own scripts may hold at once.
pub const MAX_SAMPLES: u64 = 10_000;

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl ScriptError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// Returns the options of the engine that Prometheus's own scripts are written for: everything is switched on.
pub fn engine_options() -> EngineOptions {
    EngineOptions {
        lookback_delta: Duration::from_secs(300),
        delayed_name_removal: true,
        use_start_timestamps: true,
        ..EngineOptions::default()
    }
}
