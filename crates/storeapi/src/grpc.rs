//! The gRPC adapters: our traits served over gRPC, and remote endpoints as our traits.

mod convert;
