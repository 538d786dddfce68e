//! The compactor's queues over a bucket in memory: on metas alone, and with real blocks.

mod blocks;
mod crash;
mod every_call;
mod fake;
mod faults;
mod golden;
mod lab;
mod life;
mod queues;
mod races;
mod scripted;
mod shown;
mod simulation;
mod timed;
mod virtual_time;
mod world;
