//! Settings of the sidecar: plain data, from the flags.

use std::path::PathBuf;
use std::time::Duration;

use storeapi::SelectLimits;

use crate::peer::MinTime;

/// Settings of the sidecar.
#[derive(Clone)]
pub struct Config {
    /// HTTP server.
    pub http: server::http::Config,
    /// gRPC server.
    pub grpc: server::grpc::Config,
    /// How long to wait for external labels before uploading is given up (`--prometheus.ready_timeout`).
    pub ready_timeout: Duration,
    /// Time between two looks at Prometheus's configuration (`--prometheus.get_config_interval`).
    pub get_config_interval: Duration,
    /// Longest that one look may take (`--prometheus.get_config_timeout`).
    pub get_config_timeout: Duration,
    /// Prometheus's data folder.
    pub tsdb_path: PathBuf,
    /// What the reloader watches.
    pub reloader: client::reloader::Options,
    /// How it makes Prometheus reload.
    pub reload_method: ReloadMethod,
    /// Lower end of the time range that is served (`--min-time`).
    pub min_time: MinTime,
    /// Limits of a Series call.
    pub limits: SelectLimits,
    /// Uploading.
    pub shipper: ShipperConfig,
}

/// How the reloader makes Prometheus reload (`--reloader.method`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReloadMethod {
    /// By its HTTP call.
    Http,
    /// By a signal to the process of this name.
    Signal {
        /// `--reloader.process-name`.
        process_name: String,
    },
}

/// Settings of uploading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipperConfig {
    /// The file in the data folder that lists what was uploaded.
    pub meta_file_name: String,
    /// Upload compacted blocks as well.
    pub upload_compacted: bool,
    /// Only warn when Prometheus compacts.
    pub ignore_unequal_block_size: bool,
    /// Go on after a block that could not be uploaded.
    pub allow_out_of_order_uploads: bool,
    /// Leave out blocks that cannot be read.
    pub skip_corrupted_blocks: bool,
    /// Put SHA-256 hashes of the files into meta.json.
    pub hash_files: bool,
    /// Files of a block that are uploaded at once.
    pub upload_concurrency: usize,
}
