//! Where series come from: the one trait between evaluation and storage.

use model::matcher::Matcher;
use model::series::{SeriesSet, SourceError};

/// What one selector of a query needs. Times are ms; both ends are within.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SelectParams {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// The earliest sample that can matter.
    pub mint: i64,
    /// The latest sample that can matter.
    pub maxt: i64,
    /// Step of the (sub)query, 0 of an instant query.
    pub step: i64,
    /// The range of a range selector, else 0.
    pub range: i64,
    /// The function or aggregation right around the selector; empty if there is none. A storage with downsampled data
    /// chooses by it which aggregate to read.
    pub func: String,
    /// The grouping labels of the aggregation right around the selector.
    pub grouping: Vec<String>,
    /// Whether these are the labels kept (`by`) rather than dropped (`without`).
    pub by: bool,
    /// Nothing stored but the values of an expression that others compute: its [`RemoteLeaf`](crate::ast::RemoteLeaf), whose
    /// samples are at the steps. There are no matchers then.
    pub remote: Option<usize>,
}

/// A storage of series.
///
/// `select` may be called from several threads, and returns without waiting for all series: evaluation pulls them one by one, in
/// the order of their labels, and decodes them on its own workers.
pub trait Queryable: Send + Sync {
    /// Starts a select.
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError>;
}

impl<Q: Queryable + ?Sized> Queryable for std::sync::Arc<Q> {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        (**self).select(params)
    }
}

impl<Q: Queryable + ?Sized> Queryable for &Q {
    fn select(&self, params: &SelectParams) -> Result<Box<dyn SeriesSet>, SourceError> {
        (**self).select(params)
    }
}
