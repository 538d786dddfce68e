//! HTTP and gRPC listeners, TLS, probes, ordered run and shutdown, logging, metrics registry.
