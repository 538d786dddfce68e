//! Selects over StoreAPI, replica dedup, fan-out of rules, targets, metadata and exemplars, the Prometheus HTTP API.
