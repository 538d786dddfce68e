//! The compactor: grouping, planning, compaction and downsampling jobs, retention, cleaning.
//!
//! What to do is decided by pure functions of metas and time ([`plan`], [`group`], [`coverage`]); [`job`] does one thing to the bucket
//! from beginning to end; [`run`] keeps separate queues for compaction, downsampling with retention, and cleaning, so that none waits
//! for another. [`quarantine`] sets groups aside whose data cannot be worked on. [`outlook`] tells people what comes next.

pub mod clean;
pub mod clock;
pub mod component;
pub mod coverage;
mod error;
pub mod group;
pub mod inspect;
pub mod job;
pub mod leases;
pub mod memory;
pub mod metrics;
pub mod outlook;
pub mod plan;
pub mod progress;
pub mod quarantine;
pub mod run;
pub mod verify;
pub mod view;
pub mod work;

pub use error::{Error, Result};
