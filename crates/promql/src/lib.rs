//! PromQL: parse, plan, evaluate; the script runner of the promqltest language.

pub mod ast;
pub mod parse;
pub mod print;
pub mod value_type;
