//! File-system events, merged to "something has changed".

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::error;

use super::metrics::Metrics;
use super::{Error, Options};

/// The watched files. Events stop with it.
pub(super) struct Watch {
    changed: Arc<Notify>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Starts to watch the configuration file and the folders (their sub-folders are left to the watch interval).
    pub(super) fn new(options: &Options, metrics: &Metrics) -> Result<Watch, Error> {
        let changed = Arc::new(Notify::new());
        let interest = Interest::new(options);
        let places = interest.places.clone();
        let (events, errors, notify) =
            (metrics.watch_events.clone(), metrics.watch_errors.clone(), changed.clone());
        let handler = move |event: notify::Result<notify::Event>| match event {
            // Our own reading of the files is no change.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) => {
                events.inc();
                if event.need_rescan() || event.paths.iter().any(|path| interest.covers(path)) {
                    notify.notify_one();
                }
            }
            Err(err) => {
                errors.inc();
                error!(%err, "watch error");
            }
        };
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |source| Error::Watch { path, source }
        };
        let mut watcher =
            notify::recommended_watcher(handler).map_err(fail(Path::new("file-system events")))?;
        if let Some(file) = &options.config_file {
            std::fs::metadata(file).map_err(|e| fail(file)(notify::Error::io(e)))?;
        }
        for place in &places {
            watcher.watch(place, RecursiveMode::NonRecursive).map_err(fail(place))?;
        }
        let mut watched: BTreeSet<&Path> = places.iter().map(PathBuf::as_path).collect();
        watched.extend(options.config_file.as_deref());
        metrics.watches.set(watched.len() as i64);
        Ok(Watch { changed, _watcher: watcher })
    }

    /// Waits until something has changed since the last call.
    pub(super) async fn changed(&mut self) {
        self.changed.notified().await;
    }
}

/// Which events matter.
///
/// The folder of the configuration is watched and not the file: editors and Kubernetes replace the file, and a watch
/// would stay with the old one. But other things happen in that folder, the writing of the output file among them.
struct Interest {
    /// Folders that are watched, each once.
    places: Vec<PathBuf>,
    /// Folders in which everything matters.
    dirs: BTreeSet<PathBuf>,
    /// The configuration, as given and as it resolves.
    files: BTreeSet<PathBuf>,
    /// What the reloader itself writes.
    own: Vec<PathBuf>,
}

impl Interest {
    fn new(options: &Options) -> Interest {
        let mut interest =
            Interest { places: Vec::new(), dirs: BTreeSet::new(), files: BTreeSet::new(), own: Vec::new() };
        let mut places = BTreeSet::new();
        if let Some(file) = &options.config_file {
            for file in [Some(file.clone()), file.canonicalize().ok()].into_iter().flatten() {
                if let Some((dir, path)) = as_reported(&file) {
                    places.insert(dir);
                    interest.files.insert(path);
                }
            }
        }
        if let Some((dir, path)) = options.config_output_file.as_deref().and_then(as_reported) {
            let mut tmp = path.file_name().unwrap_or_default().to_owned();
            tmp.push(".tmp");
            interest.own = vec![dir.join(tmp), path];
        }
        if !options.watch_interval.is_zero() {
            interest.dirs.extend(options.watched_dirs.iter().cloned());
            places.extend(options.watched_dirs.iter().cloned());
        }
        interest.places = places.into_iter().collect();
        interest
    }

    fn covers(&self, path: &Path) -> bool {
        if self.own.iter().any(|own| own == path) {
            return false;
        }
        if self.files.contains(path) || path.parent().is_some_and(|dir| self.dirs.contains(dir)) {
            return true;
        }
        // Kubernetes swaps all files of a mounted folder at once by renaming its `..data` link.
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".."))
    }
}

/// The folder of a file, and the file's path as events in that folder name it.
fn as_reported(file: &Path) -> Option<(PathBuf, PathBuf)> {
    let dir = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((dir.to_path_buf(), dir.join(file.file_name()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_the_configuration_and_the_watched_folders_matter() {
        let options = Options {
            config_file: Some("/etc/quay/prometheus.yml".into()),
            config_output_file: Some("/etc/quay/rules/out.yml".into()),
            watched_dirs: vec!["/etc/quay/rules".into()],
            watch_interval: Duration::from_secs(1),
            retry_interval: Duration::from_secs(1),
        };
        let interest = Interest::new(&options);
        for (path, want) in [
            ("/etc/quay/prometheus.yml", true),
            ("/etc/quay/other.yml", false),
            ("/etc/quay/..data", true),
            ("/etc/quay/rules/a.yml", true),
            ("/etc/quay/rules/out.yml", false),
            ("/etc/quay/rules/out.yml.tmp", false),
        ] {
            assert_eq!(interest.covers(Path::new(path)), want, "{path}");
        }
        assert_eq!(as_reported(Path::new("p.yml")), Some((".".into(), "./p.yml".into())));
    }
}
