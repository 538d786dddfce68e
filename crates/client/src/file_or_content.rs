//! Pairs of flags `X.config-file` and `X.config`: content from a file or given inline, with `$(VAR)` expanded.

use std::path::{Path, PathBuf};

/// Largest configuration file read, in bytes; far above any that people write.
const MAX_FILE: u64 = 64 << 20;

/// Why the content of a pair cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Both flags were given.
    #[error("both {file_flag} and {flag} flags set.")]
    Both {
        /// The flag with the file.
        file_flag: String,
        /// The flag with the content.
        flag: &'static str,
    },
    /// The file cannot be read.
    #[error("loading file {path} for {file_flag}: {cause}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The flag with the file.
        file_flag: String,
        /// The cause.
        cause: String,
    },
    /// A required pair has no content.
    #[error("flag {file_flag} or {flag} is required for running this command and content cannot be empty.")]
    Required {
        /// The flag with the file.
        file_flag: String,
        /// The flag with the content.
        flag: &'static str,
    },
    /// A variable that is not set.
    #[error("found reference to unset environment variable {0:?}")]
    Unset(String),
}

/// The two flags of a pair as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileOrContent {
    flag: &'static str,
    path: Option<PathBuf>,
    inline: String,
    expand: bool,
}

impl FileOrContent {
    /// Takes the values of `flag` and `flag`-file; an empty value is one that was not given. `expand` replaces `$(VAR)`.
    pub fn new(flag: &'static str, path: &str, inline: &str, expand: bool) -> Self {
        let path = (!path.is_empty()).then(|| PathBuf::from(path));
        Self { flag, path, inline: inline.to_owned(), expand }
    }

    /// The file, when given as one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether neither flag was given.
    pub fn is_unset(&self) -> bool {
        self.path.is_none() && self.inline.is_empty()
    }

    /// The content as it is now; empty when neither flag was given.
    ///
    /// # Errors
    /// When both flags were given, the file cannot be read, or a variable is not set.
    pub fn content(&self) -> Result<String, Error> {
        let file_flag = || format!("{}-file", self.flag);
        let text = match &self.path {
            Some(_) if !self.inline.is_empty() => {
                return Err(Error::Both { file_flag: file_flag(), flag: self.flag });
            }
            Some(path) => read(path).map_err(|cause| Error::Read {
                path: path.clone(),
                file_flag: file_flag(),
                cause,
            })?,
            None => self.inline.clone(),
        };
        if self.expand { expand_env(&text, |name| std::env::var(name).ok()) } else { Ok(text) }
    }

    /// As [`FileOrContent::content`], and empty content is an error.
    ///
    /// # Errors
    /// As there, and when there is no content.
    pub fn required_content(&self) -> Result<String, Error> {
        let text = self.content()?;
        if text.is_empty() {
            return Err(Error::Required { file_flag: format!("{}-file", self.flag), flag: self.flag });
        }
        Ok(text)
    }
}

fn read(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_FILE {
        return Err(format!("larger than {MAX_FILE} bytes"));
    }
    Ok(text)
}

/// Replaces each `$(NAME)` by the value of the variable. What does not look like that stays as it is.
///
/// # Errors
/// When a variable is not set.
pub fn expand_env(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("$(") {
        let inside = &rest[start + 2..];
        let length = inside.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        if length == 0 || inside.as_bytes().get(length) != Some(&b')') {
            out.push_str(&rest[..start + 2]);
            rest = inside;
            continue;
        }
        let name = &inside[..length];
        out.push_str(&rest[..start]);
        out.push_str(&lookup(name).ok_or_else(|| Error::Unset(name.to_owned()))?);
        rest = &inside[length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_set_variables_only_in_their_form() {
        let lookup = |name: &str| (name == "A_1").then(|| "x$(A_1)".to_owned());
        assert_eq!(
            expand_env("a $(A_1)-$A_1 $() $(a b) $($(A_1) é", lookup).unwrap(),
            "a x$(A_1)-$A_1 $() $(a b) $(x$(A_1) é"
        );
        let error = expand_env("$(NOPE)", lookup).unwrap_err();
        assert_eq!(error.to_string(), "found reference to unset environment variable \"NOPE\"");
    }

    #[test]
    fn file_inline_both_and_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.yml");
        std::fs::write(&path, "type: X").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(FileOrContent::new("x.config", path, "", true).content().unwrap(), "type: X");
        assert_eq!(FileOrContent::new("x.config", "", "inline", true).content().unwrap(), "inline");
        let both = FileOrContent::new("x.config", path, "inline", true).content().unwrap_err();
        assert_eq!(both.to_string(), "both x.config-file and x.config flags set.");
        assert_eq!(FileOrContent::new("x.config", "", "", true).content().unwrap(), "");
        let none = FileOrContent::new("x.config", "", "", true).required_content().unwrap_err();
        assert!(none.to_string().starts_with("flag x.config-file or x.config is required"), "{none}");
        let gone = FileOrContent::new("x.config", "/nope/c.yml", "", true).content().unwrap_err();
        assert!(gone.to_string().starts_with("loading file /nope/c.yml for x.config-file: "), "{gone}");
    }
}
