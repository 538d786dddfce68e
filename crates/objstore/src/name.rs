//! Object names: which ones a bucket takes, and how a listed directory is written.

use crate::{Error, ErrorKind, Operation, Result};

/// Refuses names that are no relative path of proper parts. On a file system they could reach outside of the bucket; on other
/// storage they would make objects that a file system cannot hold.
pub(crate) fn check(operation: Operation, name: &str) -> Result<()> {
    let refuse =
        |why: &str| Err(Error::new(operation, name, ErrorKind::InvalidName, format!("object name {why}")));
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.contains('\0') {
        return refuse("contains a zero byte");
    }
    for part in name.split('/') {
        match part {
            "" => return refuse("has an empty part"),
            "." | ".." => return refuse("has a part that is . or .."),
            _ => {}
        }
    }
    Ok(())
}

/// Checks a directory to list, and returns it without the trailing `/`; the root is `""`.
pub(crate) fn check_dir(dir: &str) -> Result<&str> {
    let dir = dir.strip_suffix('/').unwrap_or(dir);
    if !dir.is_empty() {
        check(Operation::Iter, dir)?;
    }
    Ok(dir)
}

/// The name of an entry of `dir`.
pub(crate) fn join(dir: &str, entry: &str) -> String {
    if dir.is_empty() { entry.to_owned() } else { format!("{dir}/{entry}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_names_that_leave_the_bucket() {
        for bad in ["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a\0b"] {
            let error = check(Operation::Get, bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidName, "{bad:?}");
        }
        for good in ["a", "a/b", "..a/b..", "01H/chunks/000001", "a b/ü"] {
            check(Operation::Get, good).expect(good);
        }
    }

    #[test]
    fn a_directory_may_end_in_a_slash() {
        assert_eq!(check_dir("").unwrap(), "");
        assert_eq!(check_dir("a/b/").unwrap(), "a/b");
        assert_eq!(check_dir("a").unwrap(), "a");
        assert!(check_dir("../a").is_err());
        assert!(check_dir("a//").is_err());
        assert!(check_dir("/a").is_err());
    }
}
