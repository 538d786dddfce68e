//! Checks of Prometheus's start-up flags against our own. Only what uploads needs them.

use std::path::{Component, Path, PathBuf};

use client::prometheus::Flags;
use tracing::warn;

use crate::config::Config;

/// What Thanos is made for, in milliseconds.
const TWO_HOURS_MS: i64 = 2 * 3_600_000;

/// Flags of Prometheus that do not go with uploading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFlags {
    /// The file by which Prometheus is told what was uploaded is not the one that we write.
    #[error(
        "found that Prometheus and Thanos use different paths for tracking block uploads. Prometheus uses \
         --storage.tsdb.delay-compact-file.path={prometheus} while Thanos will write to {ours}, they must both use the \
         same path."
    )]
    DelayCompactFile { prometheus: String, ours: String },
    /// Prometheus compacts blocks, perhaps before they are uploaded.
    #[error(
        "found that TSDB Max time is {max} and Min time is {min}. Compaction needs to be disabled \
         (storage.tsdb.min-block-duration = storage.tsdb.max-block-duration)"
    )]
    Compaction { min: String, max: String },
}

/// Checks the flags; what is only unusual is logged.
pub(crate) fn check_flags(flags: &Flags, config: &Config) -> Result<(), BadFlags> {
    if !flags.delay_compact_file.is_empty() {
        let ours = config.tsdb_path.join(&config.shipper.meta_file_name);
        if clean(Path::new(&flags.delay_compact_file)) != clean(&ours) {
            return Err(BadFlags::DelayCompactFile {
                prometheus: flags.delay_compact_file.clone(),
                ours: clean(&ours).display().to_string(),
            });
        }
    }
    let duration = model::duration::format_prometheus;
    if flags.min_block_duration_ms != flags.max_block_duration_ms && flags.delay_compact_file.is_empty() {
        if !config.shipper.ignore_unequal_block_size {
            return Err(BadFlags::Compaction {
                min: duration(flags.min_block_duration_ms),
                max: duration(flags.max_block_duration_ms),
            });
        }
        warn!(
            "flag to ignore Prometheus min/max block duration flags differing is being used. If the upload of a 2h block \
             fails and a Prometheus compaction happens that block may be missing from your Thanos bucket storage."
        );
    }
    if flags.min_block_duration_ms != TWO_HOURS_MS {
        warn!(
            "block-time" = duration(flags.min_block_duration_ms),
            "found that TSDB block time is not 2h. Only 2h block time is recommended."
        );
    }
    Ok(())
}

/// The path without `.`, `..` and doubled slashes, by its text alone.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => drop(out.pop()),
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            part => out.push(part),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::tests::config;

    fn flags(min_hours: i64, max_hours: i64, delay: &str) -> Flags {
        Flags {
            min_block_duration_ms: min_hours * 3_600_000,
            max_block_duration_ms: max_hours * 3_600_000,
            delay_compact_file: delay.to_string(),
            ..Flags::default()
        }
    }

    #[test]
    fn compaction_must_be_off_or_delayed_by_our_file() {
        let mut config = config("data");
        assert_eq!(check_flags(&flags(2, 2, ""), &config), Ok(()));
        assert_eq!(check_flags(&flags(1, 1, ""), &config), Ok(()));
        let error = check_flags(&flags(2, 36, ""), &config).expect_err("compaction").to_string();
        assert!(error.contains("Max time is 1d12h and Min time is 2h"), "{error}");
        assert_eq!(check_flags(&flags(2, 36, "./x/../data//thanos.shipper.json"), &config), Ok(()));
        let error = check_flags(&flags(2, 2, "other.json"), &config).expect_err("another file").to_string();
        assert!(
            error.contains("path=other.json while Thanos will write to data/thanos.shipper.json"),
            "{error}"
        );
        config.shipper.ignore_unequal_block_size = true;
        assert_eq!(check_flags(&flags(2, 36, ""), &config), Ok(()));
    }

    #[test]
    fn cleans_paths_by_text() {
        for (path, want) in
            [("a/b/../c", "a/c"), ("./a", "a"), ("../a", "../a"), ("/../a", "/a"), ("a/..", "."), ("", ".")]
        {
            assert_eq!(clean(Path::new(path)), Path::new(want), "{path}");
        }
    }
}
