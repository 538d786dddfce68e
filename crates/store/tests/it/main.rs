//! The gateway over golden blocks: Thanos's recorded answers, StoreAPI's acceptance cases, broken blocks, limits, life cycle.

mod acceptance;
mod blocks;
mod golden;
mod harness;
mod lifecycle;
mod malformed;
mod requests;
