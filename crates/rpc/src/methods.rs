//! The methods of gRPC services, read from their descriptors.

use std::collections::HashMap;

use prost::Message;
use prost_types::FileDescriptorSet;

/// Whether either side of a call is a stream; named as the label `grpc_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallType {
    /// One request, one answer.
    Unary,
    /// Many requests, one answer.
    ClientStream,
    /// One request, many answers.
    ServerStream,
    /// Many of both.
    BidiStream,
}

impl CallType {
    /// The value of the label `grpc_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ClientStream => "client_stream",
            Self::ServerStream => "server_stream",
            Self::BidiStream => "bidi_stream",
        }
    }
}

/// The methods known to one end, by request path `/service/method`.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    by_path: HashMap<String, CallType>,
}

impl Methods {
    /// Reads the methods of the services of encoded `FileDescriptorSet`s. `wanted` picks services by full name.
    ///
    /// # Errors
    /// When a set cannot be decoded.
    pub fn from_descriptors(
        sets: &[&[u8]],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self, prost::DecodeError> {
        let mut by_path = HashMap::new();
        for set in sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    let package = file.package();
                    let dot = if package.is_empty() { "" } else { "." };
                    let full = format!("{package}{dot}{}", service.name());
                    if !wanted(&full) {
                        continue;
                    }
                    for method in &service.method {
                        let call = match (method.client_streaming(), method.server_streaming()) {
                            (false, false) => CallType::Unary,
                            (true, false) => CallType::ClientStream,
                            (false, true) => CallType::ServerStream,
                            (true, true) => CallType::BidiStream,
                        };
                        by_path.insert(format!("/{full}/{}", method.name()), call);
                    }
                }
            }
        }
        Ok(Self { by_path })
    }

    /// Adds one method.
    pub fn insert(&mut self, path: &str, call: CallType) {
        self.by_path.insert(path.to_owned(), call);
    }

    /// The type of the method at `path`, when known.
    pub fn get(&self, path: &str) -> Option<CallType> {
        self.by_path.get(path).copied()
    }

    /// All methods, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, CallType)> {
        self.by_path.iter().map(|(path, call)| (path.as_str(), *call))
    }
}

/// Splits a request path into service and method.
pub fn split_path(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('/')?
        .split_once('/')
        .filter(|(service, method)| !service.is_empty() && !method.is_empty())
}
