//! Generated StoreAPI, Info, Rules, Targets, Metadata, Exemplars, Status, Query and remote-read messages, and conversions.
