//! The HTTP API of the blocks pages, which every component over a bucket serves: `/api/v1/blocks` and what is below it.
//!
//! `/api/v1/blocks` and `/api/v1/blocks/mark` are Thanos's. `overview`, `meta`, `unmark` and `plan` are ours: the page of a bucket with
//! a hundred thousand blocks cannot be made from whole meta.json files, and Thanos shows neither marks nor plans.

mod answer;
mod form;
mod mark;
mod overview;
mod plan;
mod routes;
mod view;

pub use plan::{Job, JobKind, JobState, Plan, SetAside};
pub use routes::{BlocksApi, PlanSource, routes};
