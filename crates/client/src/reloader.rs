//! Watches a Prometheus configuration and rule folders, fills in environment variables, and makes Prometheus reload.
//!
//! What is watched is hashed by content; Prometheus is told only when the hash has changed since the last reload that
//! went well. File-system events make a change visible at once, the watch interval finds what they miss.

mod content;
mod metrics;
mod process;
mod trigger;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use content::Fingerprint;
use metrics::Metrics;
use watch::Watch;

pub use trigger::{Trigger, TriggerError};

/// What to watch, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Prometheus configuration file; may be compressed with gzip when there is an output file.
    pub config_file: Option<PathBuf>,
    /// Where the configuration is written, uncompressed and with `$(VAR)` filled in; Prometheus reads this one.
    pub config_output_file: Option<PathBuf>,
    /// Folders whose files are watched too, with all their sub-folders.
    pub watched_dirs: Vec<PathBuf>,
    /// How often everything is looked at without an event, and for how long a failed reload is tried again. Zero: the
    /// output file is written once and Prometheus is never told.
    pub watch_interval: Duration,
    /// Time between two tries of a reload that failed.
    pub retry_interval: Duration,
}

/// Why the reloader stopped, or could not apply a change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file-system watch could not be set up.
    #[error("add {} to watcher: {source}", path.display())]
    Watch {
        /// What was to be watched.
        path: PathBuf,
        /// What the system says.
        source: notify::Error,
    },
    /// A file or folder could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The configuration is longer than the cap when uncompressed.
    #[error("{} is longer than {limit} bytes", path.display())]
    TooLarge {
        /// The configuration file.
        path: PathBuf,
        /// The cap.
        limit: u64,
    },
    /// The configuration names a variable that is not set.
    #[error("expand environment variables of {}: found reference to unset environment variable {name:?}", path.display())]
    UnsetVariable {
        /// The configuration file.
        path: PathBuf,
        /// The variable.
        name: String,
    },
}

/// Watches files and triggers reloads; see the module.
pub struct Reloader {
    options: Options,
    trigger: Trigger,
    metrics: Metrics,
    /// Content at the last reload that went well.
    applied: Fingerprint,
    /// The last reload failed: try again even if the content goes back to what it was.
    pending: bool,
}

impl Reloader {
    /// A reloader whose metrics carry the given prefix (`thanos_sidecar_`).
    pub fn new(
        options: Options,
        trigger: Trigger,
        registry: &prometheus::Registry,
        metrics_prefix: &str,
    ) -> Result<Reloader, prometheus::Error> {
        let metrics = Metrics::register(registry, metrics_prefix)?;
        metrics.info.with_label_values(&[trigger.method()]).set(1);
        Ok(Reloader { options, trigger, metrics, applied: Fingerprint::default(), pending: false })
    }

    /// Watches until `shutdown`.
    ///
    /// The configuration is applied once before; an error then (a missing file, an unset variable) is returned, later
    /// ones are logged and counted. Being unable to reach Prometheus is never an error.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        if self.options.config_file.is_none() && self.options.watched_dirs.is_empty() {
            info!("nothing to be watched");
            shutdown.cancelled().await;
            return Ok(());
        }
        info!("reloading via {}", self.trigger.description());
        let mut watch = Watch::new(&self.options, &self.metrics)?;
        if self.options.config_file.is_some() {
            // Dropping the first application at shutdown is sound: files are written whole or not at all, and
            // a reload request that went out does no harm.
            tokio::select! {
                applied = self.apply() => applied?,
                () = shutdown.cancelled() => return Ok(()),
            }
        }
        if self.options.watch_interval.is_zero() {
            // Differs from Thanos: there the reloader ends here, and the whole process with it.
            shutdown.cancelled().await;
            return Ok(());
        }
        info!(
            cfg = %self.options.config_file.as_deref().unwrap_or(std::path::Path::new("")).display(),
            out = %self.options.config_output_file.as_deref().unwrap_or(std::path::Path::new("")).display(),
            dirs = %join(&self.options.watched_dirs),
            "started watching config file and directories for changes"
        );
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = watch.changed() => {}
                () = tokio::time::sleep(self.options.watch_interval) => {}
            }
            self.metrics.config_apply.inc();
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                applied = self.apply() => if let Err(err) = applied {
                    self.metrics.config_apply_errors.inc();
                    error!(%err, "apply error");
                }
            }
        }
    }

    /// Writes the output file, and makes Prometheus reload if anything has changed; tries for one watch interval.
    async fn apply(&mut self) -> Result<(), Error> {
        let options = self.options.clone();
        let unset = self.metrics.config_expansion_errors.clone();
        let found = tokio::task::spawn_blocking(move || content::prepare(&options, &unset))
            .await
            .expect("reading the configuration does not panic")?;
        if !self.pending && found == self.applied {
            return Ok(());
        }
        if self.options.watch_interval.is_zero() {
            self.applied = found;
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + self.options.watch_interval;
        match tokio::time::timeout_at(deadline, self.reload()).await {
            Ok(()) => {
                self.applied = found;
                self.pending = false;
            }
            Err(_) => {
                self.pending = true;
                error!("failed to trigger reload, retrying");
            }
        }
        Ok(())
    }

    /// Triggers until it works.
    async fn reload(&self) {
        loop {
            self.metrics.reloads.inc();
            match self.trigger.trigger().await {
                Ok(()) => break,
                Err(err) => {
                    self.metrics.reload_errors.inc();
                    self.metrics.last_reload_success.set(0);
                    error!(%err, "trigger reload, retrying in next tick");
                }
            }
            tokio::time::sleep(self.options.retry_interval).await;
        }
        let path = |p: &Option<PathBuf>| p.as_deref().map(|p| p.display().to_string()).unwrap_or_default();
        info!(
            cfg_in = path(&self.options.config_file),
            cfg_out = path(&self.options.config_output_file),
            watched_dirs = %join(&self.options.watched_dirs),
            "Reload triggered"
        );
        self.metrics.last_reload_success.set(1);
        self.metrics.set_success_time();
    }
}

fn join(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
