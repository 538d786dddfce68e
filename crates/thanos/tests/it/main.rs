//! The binary as users run it.

mod cli;
mod life;
mod process;
