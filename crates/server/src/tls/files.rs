//! A value made from files, made again when a file changes.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::Error;

/// Files are looked at no more often than this.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Length and time of change; `None` when the file cannot be looked at.
type Print = Option<(u64, SystemTime)>;

/// Makes the value and tells from which files.
type Build<T, E> = Box<dyn Fn() -> Result<(T, Vec<PathBuf>), E> + Send + Sync>;

/// A value made from files. The last good value stays in use when the files become unusable.
pub(crate) struct Watched<T, E = Error> {
    build: Build<T, E>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<T>,
    /// The files the value was made from.
    paths: Vec<PathBuf>,
    prints: Vec<Print>,
    checked: Option<Instant>,
}

impl<T: Clone, E: std::fmt::Display> Watched<T, E> {
    /// `build` makes the value and tells from which files.
    pub(crate) fn new(build: impl Fn() -> Result<(T, Vec<PathBuf>), E> + Send + Sync + 'static) -> Self {
        let state = State { value: None, paths: Vec::new(), prints: Vec::new(), checked: None };
        Self { build: Box::new(build), state: Mutex::new(state) }
    }

    /// The value of the files as they are now.
    ///
    /// # Errors
    /// When the files were never usable.
    pub(crate) fn get(&self) -> Result<T, E> {
        let mut state = self.state.lock();
        let now = Instant::now();
        let fresh = state.checked.is_some_and(|checked| now.duration_since(checked) < CHECK_EVERY);
        if fresh && let Some(value) = &state.value {
            return Ok(value.clone());
        }
        state.checked = Some(now);
        let prints: Vec<Print> = state.paths.iter().map(print).collect();
        if prints == state.prints
            && let Some(value) = &state.value
        {
            return Ok(value.clone());
        }
        match (self.build)() {
            Ok((value, paths)) => {
                // Looked at before the next read: a change in between is found then.
                state.prints = if paths == state.paths { prints } else { paths.iter().map(print).collect() };
                state.paths = paths;
                state.value = Some(value.clone());
                Ok(value)
            }
            Err(error) => match &state.value {
                Some(last) => {
                    tracing::error!(err = %error, "reloading failed, the last good configuration stays in use");
                    Ok(last.clone())
                }
                None => Err(error),
            },
        }
    }
}

fn print(path: &PathBuf) -> Print {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_taken_up_and_faults_are_survived() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let read = path.clone();
        let watched = Watched::<u32, String>::new(move || {
            let text = std::fs::read_to_string(&read).map_err(|e| e.to_string())?;
            Ok((text.parse().map_err(|e| format!("{e}"))?, vec![read.clone()]))
        });
        let again = |watched: &Watched<u32, String>| watched.state.lock().checked = None;
        assert!(watched.get().is_err());
        std::fs::write(&path, "1").unwrap();
        assert_eq!(watched.get(), Ok(1));
        std::fs::write(&path, "22").unwrap();
        assert_eq!(watched.get(), Ok(1), "looked at a moment ago");
        again(&watched);
        assert_eq!(watched.get(), Ok(22));
        std::fs::write(&path, "bad").unwrap();
        again(&watched);
        assert_eq!(watched.get(), Ok(22));
    }
}
