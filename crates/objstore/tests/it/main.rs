//! The acceptance suite on every bucket, and what is special to one.

mod acceptance;
mod fuzz;
mod s3;
