//! The routes over a bucket in memory.

mod routes;
