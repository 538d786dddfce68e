use std::sync::Arc;
use std::time::Duration;

use client::reloader::Options;
use storeapi::SelectLimits;

use crate::config::{Config, ReloadMethod, ShipperConfig};

/// Settings with free ports and short times.
pub(crate) fn config(tsdb_path: impl Into<std::path::PathBuf>) -> Config {
    Config {
        http: server::http::Config {
            address: "127.0.0.1:0".to_string(),
            grace_period: Duration::from_secs(5),
            web_config: None,
        },
        grpc: server::grpc::Config {
            address: "127.0.0.1:0".to_string(),
            grace_period: Duration::from_secs(5),
            max_connection_age: Duration::ZERO,
            tls: None,
        },
        ready_timeout: Duration::from_secs(60),
        get_config_interval: Duration::from_millis(50),
        get_config_timeout: Duration::from_secs(30),
        tsdb_path: tsdb_path.into(),
        reloader: Options {
            config_file: None,
            config_output_file: None,
            watched_dirs: Vec::new(),
            watch_interval: Duration::from_secs(60),
            retry_interval: Duration::from_millis(50),
        },
        reload_method: ReloadMethod::Http,
        min_time: Arc::new(|| i64::MIN),
        limits: SelectLimits::default(),
        shipper: ShipperConfig {
            meta_file_name: "thanos.shipper.json".to_string(),
            upload_compacted: false,
            ignore_unequal_block_size: false,
            allow_out_of_order_uploads: false,
            skip_corrupted_blocks: false,
            hash_files: false,
            upload_concurrency: 0,
        },
    }
}
