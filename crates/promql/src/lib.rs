//! PromQL: parse, plan, evaluate; the script runner of the promqltest language.

pub mod annotations;
pub mod ast;
mod column;
pub mod engine;
mod error;
mod eval;
mod functions;
pub mod limits;
mod math;
pub mod parse;
mod plan;
pub mod print;
pub mod promqltest;
pub mod source;
pub mod stats;
pub mod value;
pub mod value_type;

pub use error::EvalError;
pub use plan::{ExplainNode, distribute};
