//! From matchers to the series of a block: which postings are needed, fetching them, and combining them.

mod fetch;
mod plan;

pub(crate) use self::fetch::select;
