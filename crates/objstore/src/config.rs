//! The YAML of `--objstore.config`: strict, with the types Thanos knows, of which those that are not built are refused by name.

use std::{collections::BTreeMap, sync::Arc};

use prometheus::Registry;
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};

use crate::{Bucket, Error, FsBucket, MetricsBucket, PrefixBucket, Result, RetryBucket, S3Bucket, S3Config};

/// Types of Thanos's that this build cannot open.
const NOT_BUILT: [&str; 8] = ["GCS", "AZURE", "SWIFT", "COS", "ALIYUNOSS", "BOS", "OCI", "OBS"];

/// Opens the bucket that `yaml` describes. Variables are already replaced. Around the provider come retries where it goes over a
/// network, the prefix, and metrics in `registry`; `component` goes into the user agent.
pub fn open(yaml: &str, component: &str, registry: &Registry) -> Result<Arc<dyn Bucket>> {
    let bucket = open_without_metrics(yaml, component)?;
    MetricsBucket::wrap(bucket, registry)
        .map_err(|error| Error::config(format!("register metrics of the bucket: {error}")))
}

/// Like [`open`], without metrics.
pub fn open_without_metrics(yaml: &str, component: &str) -> Result<Arc<dyn Bucket>> {
    let head: Document<IgnoredAny> = parse(yaml)?;
    let kind = head.kind.to_uppercase();
    let bucket: Arc<dyn Bucket> = match kind.as_str() {
        "FILESYSTEM" => {
            let config: FsConfig = config(yaml)?;
            for key in config.rest.keys() {
                // Thanos reads this one section leniently, and so files with left-over keys are in use.
                tracing::warn!(key, "unknown key in the configuration of the filesystem bucket");
            }
            Arc::new(FsBucket::new(config.directory)?)
        }
        "S3" => {
            let config: S3Config = config(yaml)?;
            let policy = config.retry_policy();
            Arc::new(RetryBucket::new(Arc::new(S3Bucket::new(config, component)?), policy))
        }
        other if NOT_BUILT.contains(&other) => {
            return Err(Error::config(format!(
                "bucket with type {} is not built into this version; FILESYSTEM and S3 are",
                head.kind
            )));
        }
        _ => return Err(Error::config(format!("bucket with type {} is not supported", head.kind))),
    };
    PrefixBucket::wrap(bucket, head.prefix.as_deref().unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default = "Option::default")]
    config: Option<T>,
    #[serde(default)]
    prefix: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FsConfig {
    directory: String,
    #[serde(flatten)]
    rest: BTreeMap<String, IgnoredAny>,
}

fn config<T: DeserializeOwned + Default>(yaml: &str) -> Result<T> {
    let document: Document<T> = parse(yaml)?;
    Ok(document.config.unwrap_or_default())
}

fn parse<T: DeserializeOwned>(yaml: &str) -> Result<T> {
    serde_saphyr::from_str(yaml).map_err(|error| Error::config(format!("parsing config YAML file: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(yaml: &str) -> String {
        open(yaml, "test", &Registry::new()).expect_err(yaml).to_string()
    }

    #[test]
    fn opens_a_directory_in_the_forms_in_use() {
        for yaml in [
            "type: FILESYSTEM\nconfig:\n  directory: /tmp/x\n",
            "type: filesystem\nconfig: {directory: /tmp/x}\nprefix: ''\n",
            r#"{"type": "FILESYSTEM", "config": {"directory": "/tmp/x"}}"#,
            "type: FILESYSTEM\nconfig:\n  directory: /tmp/x\n  left_over: 1\n",
        ] {
            assert_eq!(open(yaml, "test", &Registry::new()).expect(yaml).name(), "fs: /tmp/x");
        }
    }

    #[test]
    fn refuses_what_it_cannot_honour() {
        assert!(refused("").contains("is not supported"), "{}", refused(""));
        assert!(refused("type: ''\nconfig: {}").contains("bucket with type  is not supported"));
        assert!(refused("type: NFS").contains("bucket with type NFS is not supported"));
        assert!(refused("type: GCS\nconfig: {bucket: a}").contains("type GCS is not built"));
        assert!(refused("type: FILESYSTEM").contains("missing directory"));
        assert!(refused("type: FILESYSTEM\nkonfig: {}").contains("konfig"));
        assert!(
            refused("type: FILESYSTEM\nconfig: {directory: /a}\nhedging_config: {}")
                .contains("hedging_config")
        );
        assert!(refused("type: FILESYSTEM\nconfig: {directory: /a}\nprefix: a/../b").contains("prefix"));
        assert!(refused("type: [").contains("YAML"));
        assert!(refused("type: S3\nconfig: {bucket: a, endpoint: b, buckets: c}").contains("buckets"));
    }
}
