//! The one error of StoreAPI and its sister APIs: a kind for those who act on it, a text for those who read it.

use std::fmt;

use tonic::{Code, Status};

/// What kind of thing went wrong; maps one to one to the gRPC codes that Thanos uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense: bad matcher, missing label name.
    InvalidArgument,
    /// What was asked for does not exist.
    NotFound,
    /// It exists already, or conflicts with what does.
    AlreadyExists,
    /// The caller may not do this.
    PermissionDenied,
    /// The caller did not say who it is.
    Unauthenticated,
    /// A limit was hit.
    ResourceExhausted,
    /// Not now; another try may succeed.
    Unavailable,
    /// Given up because a part failed and partial answers were not wanted.
    Aborted,
    /// The caller went away.
    Cancelled,
    /// Took longer than allowed.
    DeadlineExceeded,
    /// This endpoint does not serve the call.
    Unimplemented,
    /// A failure of the server or its data.
    Internal,
    /// Anything else.
    Unknown,
}

impl ErrorKind {
    fn code(self) -> Code {
        match self {
            ErrorKind::InvalidArgument => Code::InvalidArgument,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::AlreadyExists => Code::AlreadyExists,
            ErrorKind::PermissionDenied => Code::PermissionDenied,
            ErrorKind::Unauthenticated => Code::Unauthenticated,
            ErrorKind::ResourceExhausted => Code::ResourceExhausted,
            ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Aborted => Code::Aborted,
            ErrorKind::Cancelled => Code::Cancelled,
            ErrorKind::DeadlineExceeded => Code::DeadlineExceeded,
            ErrorKind::Unimplemented => Code::Unimplemented,
            ErrorKind::Internal => Code::Internal,
            ErrorKind::Unknown => Code::Unknown,
        }
    }

    fn of(code: Code) -> Self {
        match code {
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => ErrorKind::InvalidArgument,
            Code::NotFound => ErrorKind::NotFound,
            Code::AlreadyExists => ErrorKind::AlreadyExists,
            Code::PermissionDenied => ErrorKind::PermissionDenied,
            Code::Unauthenticated => ErrorKind::Unauthenticated,
            Code::ResourceExhausted => ErrorKind::ResourceExhausted,
            Code::Unavailable => ErrorKind::Unavailable,
            Code::Aborted => ErrorKind::Aborted,
            Code::Cancelled => ErrorKind::Cancelled,
            Code::DeadlineExceeded => ErrorKind::DeadlineExceeded,
            Code::Unimplemented => ErrorKind::Unimplemented,
            Code::Internal | Code::DataLoss => ErrorKind::Internal,
            Code::Unknown | Code::Ok => ErrorKind::Unknown,
        }
    }

    /// The code's name as Go's gRPC library prints it.
    fn go_name(self) -> &'static str {
        match self {
            ErrorKind::InvalidArgument => "InvalidArgument",
            ErrorKind::NotFound => "NotFound",
            ErrorKind::AlreadyExists => "AlreadyExists",
            ErrorKind::PermissionDenied => "PermissionDenied",
            ErrorKind::Unauthenticated => "Unauthenticated",
            ErrorKind::ResourceExhausted => "ResourceExhausted",
            ErrorKind::Unavailable => "Unavailable",
            ErrorKind::Aborted => "Aborted",
            ErrorKind::Cancelled => "Canceled",
            ErrorKind::DeadlineExceeded => "DeadlineExceeded",
            ErrorKind::Unimplemented => "Unimplemented",
            ErrorKind::Internal => "Internal",
            ErrorKind::Unknown => "Unknown",
        }
    }
}

/// An error of StoreAPI or one of its sister APIs.
///
/// Displays as Thanos's errors do, since the text ends up in warnings and error answers that people read and match on: one that came
/// over gRPC reads `rpc error: code = Unavailable desc = …`, with what was being done in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// What was being done, outermost first, each part ending in `: `.
    context: String,
    message: String,
    /// Whether it came over gRPC.
    remote: bool,
}

impl Error {
    /// An error of this process.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Error { kind, context: String::new(), message: message.to_string(), remote: false }
    }

    /// The request makes no sense.
    pub fn invalid_argument(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    /// A failure of this server or its data.
    pub fn internal(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// A limit was hit.
    pub fn resource_exhausted(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::ResourceExhausted, message)
    }

    /// Not now; another try may succeed.
    pub fn unavailable(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Unavailable, message)
    }

    /// The caller went away.
    pub fn cancelled() -> Self {
        Error::new(ErrorKind::Cancelled, "context canceled")
    }

    /// The same error, saying in front what was being done.
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.context.insert_str(0, &format!("{doing}: "));
        self
    }

    /// The same error with another kind.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text as Go shows an error that a gRPC method of this very process returned: made here, it reads like one that came
    /// over gRPC; passed on from elsewhere, or of no special kind, it reads as it is.
    pub fn as_rpc_text(&self) -> String {
        if self.remote || self.kind == ErrorKind::Unknown {
            return self.to_string();
        }
        format!("rpc error: code = {} desc = {self}", self.kind.go_name())
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::DeadlineExceeded)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.context)?;
        if self.remote {
            write!(f, "rpc error: code = {} desc = ", self.kind.go_name())?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let mut message = status.message().to_owned();
        // Failures of the transport say little themselves; why is in their sources.
        let mut source = std::error::Error::source(&status);
        while let Some(cause) = source {
            let text = cause.to_string();
            // The transport's own word for any failure adds nothing behind what failed.
            if !message.contains(&text) && text != "transport error" {
                message.push_str(&format!(": {text}"));
            }
            source = cause.source();
        }
        Error { kind: ErrorKind::of(status.code()), context: String::new(), message, remote: true }
    }
}

impl From<Error> for Status {
    /// The text of an error that came over gRPC and got no context goes on as it came; any other becomes the status text whole.
    fn from(error: Error) -> Self {
        if error.context.is_empty() {
            return Status::new(error.kind.code(), error.message);
        }
        Status::new(error.kind.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_errors_read_like_those_of_go() {
        let error =
            Error::from(Status::unavailable("connection refused")).context("receive series from Addr: a:1");
        assert_eq!(
            error.to_string(),
            "receive series from Addr: a:1: rpc error: code = Unavailable desc = connection refused"
        );
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn passing_through_keeps_code_and_text() {
        let status = Status::from(Error::from(Status::resource_exhausted("limit 1 violated (got 2)")));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "limit 1 violated (got 2)");
    }
}
