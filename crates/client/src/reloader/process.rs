//! Finding a process by its name, and signalling it.

use std::io;
use std::path::Path;

/// The kernel keeps this many bytes of a process's name.
const COMM_BYTES: usize = 15;

/// The lowest process id whose executable has the given name.
pub(super) fn find(name: &str) -> io::Result<Option<i32>> {
    find_in(Path::new("/proc"), name)
}

fn find_in(proc: &Path, name: &str) -> io::Result<Option<i32>> {
    let mut wanted = name.as_bytes();
    wanted = &wanted[..wanted.len().min(COMM_BYTES)];
    let mut found: Option<i32> = None;
    for entry in std::fs::read_dir(proc)? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()).filter(|pid| *pid > 0)
        else {
            continue;
        };
        // A process may end at any moment; one that is gone is not the one.
        let Ok(comm) = std::fs::read(entry.path().join("comm")) else { continue };
        if comm.strip_suffix(b"\n").unwrap_or(&comm) == wanted && found.is_none_or(|lowest| pid < lowest) {
            found = Some(pid);
        }
    }
    Ok(found)
}

/// Sends SIGHUP.
pub(super) fn hang_up(pid: i32) -> io::Result<()> {
    // SAFETY: kill takes two integers and touches no memory of ours.
    if unsafe { libc::kill(pid, libc::SIGHUP) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lowest_process_of_the_name() {
        let proc = tempfile::tempdir().expect("folder");
        for (pid, comm) in [
            ("40", "prometheus\n"),
            ("7", "prometheus\n"),
            ("3", "prometheus2\n"),
            ("self", "prometheus\n"),
            ("9", "a-very-long-nam\n"),
        ] {
            std::fs::create_dir(proc.path().join(pid)).expect("folder");
            std::fs::write(proc.path().join(pid).join("comm"), comm).expect("write");
        }
        std::fs::create_dir(proc.path().join("5")).expect("folder");
        let find = |name| find_in(proc.path(), name).expect("readable");
        assert_eq!(find("prometheus"), Some(7));
        assert_eq!(find("a-very-long-name-indeed"), Some(9));
        assert_eq!(find("nothing"), None);
    }
}
