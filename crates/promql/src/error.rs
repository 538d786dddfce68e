//! Why a query has no value.

use model::series::SourceError;

/// An error of planning or evaluation. The texts are Prometheus's where it has them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EvalError {
    /// The deadline passed.
    #[error("query timed out in {0}")]
    Timeout(&'static str),
    /// The caller cancelled.
    #[error("query was canceled in {0}")]
    Cancelled(&'static str),
    /// More samples at once than allowed.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
    /// More bytes at once than a query may hold.
    #[error("query needs more memory than the {max_bytes} bytes that one query may hold")]
    QueryMemory {
        /// The limit.
        max_bytes: u64,
    },
    /// More bytes at once than all queries together may hold.
    #[error(
        "query needs more memory than is left of the {max_bytes} bytes for all queries (this one holds {query_bytes} bytes)"
    )]
    ProcessMemory {
        /// The limit.
        max_bytes: u64,
        /// What the query would hold.
        query_bytes: u64,
    },
    /// The storage failed.
    #[error("expanding series: {0}")]
    Storage(#[source] SourceError),
    /// The storage failed while a series' samples were read.
    #[error("{0}")]
    Samples(#[source] SourceError),
    /// The query cannot be evaluated on this data.
    #[error("{0}")]
    Execution(String),
    /// The query cannot be evaluated as asked (an expression type, a switched-off feature, a duration).
    #[error("{0}")]
    Invalid(String),
    /// The query does not parse.
    #[error("{0}")]
    Parse(String),
}

impl EvalError {
    pub(crate) fn execution(text: impl Into<String>) -> Self {
        Self::Execution(text.into())
    }

    /// An error of the storage; a limit that it hit on the query's behalf counts as the query's own.
    pub(crate) fn of_storage(error: SourceError) -> Self {
        Self::limit_in(&error).unwrap_or(Self::Storage(error))
    }

    /// The same of reading a series' samples.
    pub(crate) fn of_samples(error: SourceError) -> Self {
        Self::limit_in(&error).unwrap_or(Self::Samples(error))
    }

    fn limit_in(error: &SourceError) -> Option<Self> {
        error.downcast_ref::<Self>().filter(|error| error.is_limit()).cloned()
    }

    /// Two series of a vector have the same labels at the same step.
    pub(crate) fn same_labelset() -> Self {
        Self::Execution("vector cannot contain metrics with the same labelset".into())
    }

    /// Whether a limit of the query or the process was hit.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::TooManySamples | Self::QueryMemory { .. } | Self::ProcessMemory { .. })
    }
}
