//! The one error of the crate: which operation on which object, how the caller may react, and why.

use std::fmt;

/// The result of a bucket operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A bucket operation, by the name it has in the metrics' `operation` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Listing.
    Iter,
    /// Reading a whole object.
    Get,
    /// Reading a part of an object.
    GetRange,
    /// Asking whether an object is there.
    Exists,
    /// Writing an object.
    Upload,
    /// Removing an object.
    Delete,
    /// Asking for size and time of an object.
    Attributes,
}

impl Operation {
    /// All operations, in the order of the metrics page.
    pub const ALL: [Operation; 7] = [
        Operation::Iter,
        Operation::Get,
        Operation::GetRange,
        Operation::Exists,
        Operation::Upload,
        Operation::Delete,
        Operation::Attributes,
    ];

    /// The name in the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Iter => "iter",
            Operation::Get => "get",
            Operation::GetRange => "get_range",
            Operation::Exists => "exists",
            Operation::Upload => "upload",
            Operation::Delete => "delete",
            Operation::Attributes => "attributes",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a caller may react to an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The object is not there.
    NotFound,
    /// The object's name is one that no bucket accepts (empty, absolute, with `..`).
    InvalidName,
    /// The storage refused the credentials.
    AccessDenied,
    /// The object is larger than the caller's cap.
    TooLarge,
    /// The same call may succeed later: a time-out, a broken connection, a busy server.
    Retryable,
    /// The configuration cannot be used.
    Config,
    /// Anything else; trying again is of no use.
    Permanent,
}

/// A failed bucket operation. Prints as `<operation> <object>: <cause>`.
#[derive(Debug)]
pub struct Error {
    operation: Option<Operation>,
    object: String,
    kind: ErrorKind,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    /// Creates an error of `operation` on `object`.
    pub fn new(
        operation: Operation,
        object: impl Into<String>,
        kind: ErrorKind,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Error { operation: Some(operation), object: object.into(), kind, cause: cause.into() }
    }

    /// Creates an error about the configuration.
    pub fn config(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error { operation: None, object: String::new(), kind: ErrorKind::Config, cause: cause.into() }
    }

    pub(crate) fn not_found(operation: Operation, object: impl Into<String>) -> Self {
        Error::new(operation, object, ErrorKind::NotFound, "object not found")
    }

    pub(crate) fn too_large(operation: Operation, object: impl Into<String>, limit: u64) -> Self {
        Error::new(operation, object, ErrorKind::TooLarge, format!("object is larger than {limit} bytes"))
    }

    /// An error of the local file system, by the kind of the `io::Error`.
    pub(crate) fn io(operation: Operation, object: impl Into<String>, cause: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match cause.kind() {
            Io::NotFound | Io::NotADirectory => ErrorKind::NotFound,
            Io::PermissionDenied => ErrorKind::AccessDenied,
            Io::Interrupted
            | Io::TimedOut
            | Io::WouldBlock
            | Io::ResourceBusy
            | Io::StaleNetworkFileHandle => ErrorKind::Retryable,
            _ => ErrorKind::Permanent,
        };
        Error::new(operation, object, kind, cause)
    }

    /// How to react.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Which operation failed; `None` for a refused configuration.
    pub fn operation(&self) -> Option<Operation> {
        self.operation
    }

    /// The object (or the listed directory) the operation was about.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// True when the object is not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// True when the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind == ErrorKind::Retryable
    }

    /// Gives the object another name, for a layer that renames objects.
    pub(crate) fn with_object(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "{operation} {}: ", self.object)?;
        }
        // The cause is printed here, with its own chain, and so it is not also given as `source`.
        write!(f, "{}", self.cause)?;
        let mut source = self.cause.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
