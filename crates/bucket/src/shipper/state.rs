//! The file by which a shipper remembers what it has uploaded.
//!
//! `{"version":1,"uploaded":[ULID…]}` with tabs for indentation, `null` for an empty list. Prometheus reads it as well, to
//! compact only what was uploaded (`--storage.tsdb.delay-compact-file.path`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// Name of the file where nothing else is asked for.
pub const DEFAULT_STATE_FILE: &str = "thanos.shipper.json";

const VERSION: i64 = 1;

/// Longest file that is read; a million blocks fit.
const MAX_BYTES: u64 = 64 << 20;

/// What was uploaded of the blocks that are still in the data folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The blocks, by their start.
    pub uploaded: Vec<Ulid>,
}

/// Why the file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct StateError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("unexpected meta file version {0}")]
    Version(i64),
    #[error("{0} bytes are too many")]
    TooLong(u64),
}

impl StateError {
    /// Whether there is no file.
    pub fn is_not_found(&self) -> bool {
        matches!(&self.reason, Reason::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    version: i64,
    uploaded: Option<Vec<Ulid>>,
}

impl State {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<State, StateError> {
        let read = || -> Result<State, Reason> {
            let len = std::fs::metadata(path)?.len();
            if len > MAX_BYTES {
                return Err(Reason::TooLong(len));
            }
            let file: File = serde_json::from_slice(&std::fs::read(path)?)?;
            if file.version != VERSION {
                return Err(Reason::Version(file.version));
            }
            Ok(State { uploaded: file.uploaded.unwrap_or_default() })
        };
        read().map_err(|reason| StateError { path: path.to_path_buf(), reason })
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), StateError> {
        let write = || -> Result<(), Reason> {
            let mut tmp = path.as_os_str().to_owned();
            tmp.push(".tmp");
            let tmp = PathBuf::from(tmp);
            let mut file = std::fs::File::create(&tmp)?;
            file.write_all(&self.to_json()?)?;
            file.sync_all()?;
            std::fs::rename(&tmp, path)?;
            let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::File::open(dir)?.sync_all()?;
            Ok(())
        };
        write().map_err(|reason| StateError { path: path.to_path_buf(), reason })
    }

    fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let file =
            File { version: VERSION, uploaded: (!self.uploaded.is_empty()).then(|| self.uploaded.clone()) };
        let mut out = Vec::new();
        let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        file.serialize(&mut serde_json::Serializer::with_formatter(&mut out, tabs))?;
        out.push(b'\n');
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_bytes_of_thanos() {
        let id = "01M7YQK3AB75H5TCNT8FTEGJD7".parse().expect("ULID");
        let text = |state: State| String::from_utf8(state.to_json().expect("JSON")).expect("text");
        assert_eq!(
            text(State { uploaded: vec![id] }),
            "{\n\t\"version\": 1,\n\t\"uploaded\": [\n\t\t\"01M7YQK3AB75H5TCNT8FTEGJD7\"\n\t]\n}\n"
        );
        assert_eq!(text(State::default()), "{\n\t\"version\": 1,\n\t\"uploaded\": null\n}\n");
    }

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(DEFAULT_STATE_FILE);
        assert!(State::read(&path).expect_err("no file").is_not_found());
        for state in
            [State::default(), State { uploaded: vec![Ulid::from_parts(1, 2), Ulid::from_parts(3, 4)] }]
        {
            state.write(&path).expect("written");
            assert_eq!(State::read(&path).expect("read"), state);
        }
        for broken in
            ["", "{", "{\"version\":2,\"uploaded\":[]}", "{\"version\":1,\"uploaded\":[\"x\"]}", "[]"]
        {
            std::fs::write(&path, broken).expect("written");
            let error = State::read(&path).expect_err(broken);
            assert!(!error.is_not_found() && error.to_string().contains(DEFAULT_STATE_FILE), "{error}");
        }
    }
}
