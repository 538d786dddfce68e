//! StoreAPI over a Prometheus: remote read, rules, targets, metadata, exemplars, status, start-up checks, heartbeat, shipping.
