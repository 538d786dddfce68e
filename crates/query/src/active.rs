//! The log of running queries: `queries.active`, a file of fixed slots that outlives a killed process, in Prometheus's form.
//!
//! The file is `[` and one slot of 1000 bytes per query that may run at once: a JSON object, zeros, and a comma as the last byte.
//! A free slot is zeros.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::http::json::push_string;

/// Bytes of a slot.
const SLOT: usize = 1000;
/// The name of the file.
const FILE: &str = "queries.active";

/// The log of running queries. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct ActiveQueries(Arc<Slots>);

#[derive(Debug)]
struct Slots {
    path: PathBuf,
    file: File,
    /// Numbers of the slots that are free.
    free: Mutex<Vec<usize>>,
}

/// A query that runs; its slot is cleared on drop.
#[derive(Debug)]
pub struct Active {
    slots: Arc<Slots>,
    slot: Option<usize>,
}

impl ActiveQueries {
    /// Opens the log in a folder, which is made where it is not there, with room for `max` queries. What an earlier process left
    /// unfinished is logged first.
    ///
    /// # Errors
    /// When folder or file cannot be made or read; the error names it.
    pub fn open(folder: &Path, max: usize) -> Result<Self, std::io::Error> {
        let path = folder.join(FILE);
        let named = |error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("log of running queries {}: {error}", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(named)?;
        let size = 1 + max * SLOT;
        if let Some(queries) = unfinished(&path, size).map_err(named)? {
            tracing::info!(queries, "queries that did not finish in the last run");
        }
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(named)?;
        file.set_len(size as u64).map_err(named)?;
        file.write_all_at(b"[", 0).map_err(named)?;
        file.sync_all().map_err(named)?;
        Ok(ActiveQueries(Arc::new(Slots { path, file, free: Mutex::new((0..max).rev().collect()) })))
    }

    /// Notes a query. More than fit are not noted.
    pub fn enter(&self, query: &str) -> Active {
        let slot = self.0.free.lock().pop();
        if let Some(slot) = slot {
            let mut bytes = entry(query);
            bytes.resize(SLOT, 0);
            bytes[SLOT - 1] = b',';
            self.0.write(slot, &bytes);
        }
        Active { slots: self.0.clone(), slot }
    }
}

impl Slots {
    fn write(&self, slot: usize, bytes: &[u8]) {
        if let Err(error) = self.file.write_all_at(bytes, (1 + slot * SLOT) as u64) {
            tracing::warn!(path = %self.path.display(), %error, "cannot write the log of running queries");
        }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.slots.write(slot, &[0; SLOT]);
            self.slots.free.lock().push(slot);
        }
    }
}

/// The JSON of a slot, the query cut so that it fits before the comma.
fn entry(query: &str) -> Vec<u8> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let tail = format!(",\"timestamp_sec\":{seconds}}}");
    let room = SLOT - 1 - "{\"query\":".len() - tail.len();
    let mut end = query.len().min(room);
    let mut text = String::new();
    loop {
        while !query.is_char_boundary(end) {
            end -= 1;
        }
        text.clear();
        push_string(&mut text, &query[..end], true);
        // Escapes make the text longer.
        match text.len().checked_sub(room) {
            None | Some(0) => break,
            Some(over) => end = end.saturating_sub(over.div_ceil(6).max(1)),
        }
    }
    format!("{{\"query\":{text}{tail}").into_bytes()
}

/// The queries that a file of an earlier process holds, as a JSON list.
fn unfinished(path: &Path, size: usize) -> Result<Option<String>, std::io::Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(size as u64).read_to_end(&mut bytes)?;
    bytes.retain(|byte| *byte != 0);
    if bytes.len() <= 1 {
        return Ok(None);
    }
    bytes.pop();
    bytes.push(b']');
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(folder: &Path) -> String {
        let mut bytes = std::fs::read(folder.join(FILE)).unwrap();
        bytes.retain(|byte| *byte != 0);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn queries_are_in_the_file_while_they_run() {
        let folder = tempfile::tempdir().unwrap();
        let log = ActiveQueries::open(&folder.path().join("a/b"), 2).unwrap();
        let folder = folder.path().join("a/b");
        assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().len(), 2001);
        let first = log.enter("up");
        let second = log.enter(&"\"ä".repeat(900));
        let third = log.enter("no room");
        let text = content(&folder);
        assert!(text.starts_with("[{\"query\":\"up\",\"timestamp_sec\":"), "{text}");
        let left = unfinished(&folder.join(FILE), 2001).unwrap().unwrap();
        let queries: Vec<serde_json::Value> = serde_json::from_str(&left).unwrap();
        assert_eq!(queries.len(), 2);
        assert!(queries[1]["query"].as_str().unwrap().starts_with("\"ä\"ä"));
        drop((first, second, third));
        assert_eq!(content(&folder), "[");
        assert_eq!(unfinished(&folder.join(FILE), 2001).unwrap(), None);
        let again = log.enter("vector(1)");
        assert!(content(&folder).contains("vector(1)"));
        drop(again);
    }

    #[test]
    fn folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = ActiveQueries::open(&file.path().join("x"), 1).unwrap_err();
        assert!(error.to_string().contains("queries.active"), "{error}");
    }
}
