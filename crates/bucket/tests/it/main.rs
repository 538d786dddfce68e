//! The fetcher and its filters against Thanos's, the moves of whole blocks under faults, and bent metas.

mod fetcher;
mod fuzz;
mod golden;
mod moves;
