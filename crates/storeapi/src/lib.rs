//! StoreAPI as a plain Rust trait, fan-out proxy and streaming merge, endpoint set, TSDB-backed store, limits, gRPC adapter.
