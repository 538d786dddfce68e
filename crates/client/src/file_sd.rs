//! Targets from files, as Prometheus's file discovery: JSON or YAML lists of `{targets, labels}`, read again when a file
//! changes and every refresh interval.

mod glob;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Largest file read, in bytes.
const MAX_FILE: u64 = 64 << 20;
/// Editors and config maps change files in several steps; the last of them within this time is waited for.
const SETTLE: Duration = Duration::from_millis(100);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(default)]
    targets: Vec<String>,
    /// Labels have no meaning for endpoints; they are checked to be well formed.
    #[serde(default)]
    #[allow(dead_code)]
    labels: BTreeMap<String, String>,
}

/// Follows the files of some patterns.
#[derive(Debug)]
pub struct FileSd {
    patterns: Vec<String>,
    interval: Duration,
    /// Targets by file. A file that has become unreadable keeps its last ones; one that is gone has none.
    known: BTreeMap<PathBuf, Vec<String>>,
}

impl FileSd {
    /// Follows the files that match `patterns` (`*`, `?` and `[…]` as in a shell), reading all again every `interval`.
    pub fn new(patterns: Vec<String>, interval: Duration) -> Self {
        Self { patterns, interval, known: BTreeMap::new() }
    }

    /// Reads the files and returns the targets of all, each once, sorted. Faulty files are logged.
    pub fn read(&mut self) -> Vec<String> {
        let mut known = BTreeMap::new();
        for path in self.patterns.iter().flat_map(|pattern| glob::expand(pattern)) {
            match read_file(&path) {
                Ok(targets) => {
                    known.insert(path, targets);
                }
                Err(error) => {
                    tracing::error!(path = %path.display(), err = error, "error reading file");
                    if let Some(last) = self.known.remove(&path) {
                        known.insert(path, last);
                    }
                }
            }
        }
        self.known = known;
        let mut targets: Vec<String> = self.known.values().flatten().cloned().collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// Reads the files now, at each change and at each interval, and tells the targets through `updates` until `shutdown`.
    pub async fn run(mut self, updates: watch::Sender<Vec<String>>, shutdown: CancellationToken) {
        // One pending event is enough to read everything again.
        let (sender, mut events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                let _ = sender.try_send(());
            }
        });
        let mut watcher = watcher
            .inspect_err(
                |error| tracing::error!(err = %error, "watching files failed, they are read every interval"),
            )
            .ok();
        if let Some(watcher) = &mut watcher {
            for pattern in &self.patterns {
                let directory = glob::fixed_directory(pattern);
                if let Err(error) = watcher.watch(&directory, RecursiveMode::NonRecursive) {
                    tracing::error!(path = %directory.display(), err = %error, "error adding watch");
                }
            }
        }
        let mut refresh = tokio::time::interval(self.interval.max(Duration::from_millis(1)));
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = refresh.tick() => {}
                Some(()) = events.recv() => {
                    tokio::time::sleep(SETTLE).await;
                    let _ = events.try_recv();
                }
            }
            let targets = self.read();
            updates.send_if_modified(|current| {
                let changed = *current != targets;
                *current = targets;
                changed
            });
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<String>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE {
        return Err(format!("larger than {MAX_FILE} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let groups: Vec<Group> = match extension.to_ascii_lowercase().as_str() {
        "json" => serde_json::from_str(&text).map_err(|error| error.to_string())?,
        "yml" | "yaml" if text.trim().is_empty() => Vec::new(),
        "yml" | "yaml" => serde_saphyr::from_str(&text).map_err(|error| error.to_string())?,
        other => return Err(format!("extension {other:?} is not one of json, yml, yaml")),
    };
    Ok(groups.into_iter().flat_map(|group| group.targets).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_keeps_the_last_good_targets() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("a.json", r#"[{"targets": ["b:1", "a:1"], "labels": {"x": "y"}}]"#);
        write("b.yml", "- targets: ['a:1', 'dns+c:1']\n");
        write("other.txt", "x");
        let pattern = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let mut sd = FileSd::new(vec![pattern("*.json"), pattern("[ab].yml")], Duration::from_secs(60));
        assert_eq!(sd.read(), ["a:1", "b:1", "dns+c:1"]);
        write("a.json", "[{");
        assert_eq!(sd.read(), ["a:1", "b:1", "dns+c:1"]);
        std::fs::remove_file(dir.path().join("a.json")).unwrap();
        assert_eq!(sd.read(), ["a:1", "dns+c:1"]);
    }

    #[tokio::test]
    async fn a_change_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, r#"[{"targets": ["a:1"]}]"#).unwrap();
        let sd = FileSd::new(vec![path.to_str().unwrap().to_owned()], Duration::from_secs(3600));
        let (sender, mut targets) = watch::channel(Vec::new());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(sd.run(sender, shutdown.clone()));
        targets.wait_for(|targets| targets == &["a:1"]).await.unwrap();
        std::fs::write(&path, r#"[{"targets": ["b:1"]}]"#).unwrap();
        targets.wait_for(|targets| targets == &["b:1"]).await.unwrap();
        shutdown.cancel();
        task.await.unwrap();
    }
}
