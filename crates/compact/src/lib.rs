//! The compactor: grouping, planning, compaction and downsampling jobs, retention, cleaning.

pub mod plan;
