//! Content of the watched files: hashing it, and writing the configuration with its variables filled in.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use prometheus::IntGauge;
use sha2::{Digest, Sha256};

use super::{Error, Options};

/// Longest configuration, after decompression (256 MiB).
const MAX_CONFIG_BYTES: u64 = 256 << 20;

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Hashes of what is watched; `None` where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    config: Option<[u8; 32]>,
    dirs: Option<[u8; 32]>,
}

/// Hashes all watched files and writes the output file; sets `unset` to the number of unset variables.
pub(super) fn prepare(options: &Options, unset: &IntGauge) -> Result<Fingerprint, Error> {
    let mut found = Fingerprint::default();
    if let Some(input) = &options.config_file {
        let mut hash = Sha256::new();
        hash_file(&mut hash, input)?;
        found.config = Some(hash.finalize().into());
        if let Some(output) = &options.config_output_file {
            write_expanded(input, output, unset, &|name| std::env::var_os(name))?;
        }
    }
    if !options.watched_dirs.is_empty() {
        let mut hash = Sha256::new();
        for dir in &options.watched_dirs {
            let dir = dir.canonicalize().map_err(io_error("resolve", dir))?;
            hash_dir(&mut hash, &dir)?;
        }
        found.dirs = Some(hash.finalize().into());
    }
    Ok(found)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}

/// Adds all files below `dir` in the order of their names. Links to files are followed, links to folders are not.
fn hash_dir(hash: &mut Sha256, dir: &Path) -> Result<(), Error> {
    let mut entries = std::fs::read_dir(dir)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(io_error("read folder", dir))?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        let is_link = entry.file_type().map_err(io_error("stat", &path))?.is_symlink();
        let is_dir = std::fs::metadata(&path).map_err(io_error("stat", &path))?.is_dir();
        match (is_dir, is_link) {
            (true, false) => hash_dir(hash, &path)?,
            (true, true) => {}
            (false, _) => hash_file(hash, &path)?,
        }
    }
    Ok(())
}

/// Adds the name and content of a file, with a byte between that no UTF-8 name has.
fn hash_file(hash: &mut Sha256, path: &Path) -> Result<(), Error> {
    let mut file = File::open(path).map_err(io_error("open", path))?;
    hash.update([0xff]);
    hash.update(path.as_os_str().as_bytes());
    hash.update([0xff]);
    let mut buf = vec![0; 64 << 10];
    loop {
        match file.read(&mut buf) {
            Ok(0) => return Ok(()),
            Ok(n) => hash.update(&buf[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(io_error("read", path)(e)),
        }
    }
}

/// Environment lookup, so that tests need no real environment.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn write_expanded(input: &Path, output: &Path, unset: &IntGauge, lookup: Lookup<'_>) -> Result<(), Error> {
    let config = read_config(input)?;
    let expanded = match expand(&config, lookup) {
        Ok(expanded) => {
            unset.set(0);
            expanded
        }
        Err(name) => {
            unset.set(1);
            return Err(Error::UnsetVariable { path: input.to_path_buf(), name });
        }
    };
    let mut tmp = output.as_os_str().to_owned();
    tmp.push(".tmp");
    let tmp = PathBuf::from(tmp);
    let written = write_new(&tmp, &expanded)
        .map_err(io_error("write", &tmp))
        .and_then(|()| std::fs::rename(&tmp, output).map_err(io_error("rename to", output)));
    if written.is_err() {
        // Best effort: the error that is returned says more than one about the left-over file.
        let _ = std::fs::remove_file(&tmp);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o644).open(path)?;
    file.write_all(bytes)
}

/// The configuration, decompressed if it is in gzip form.
fn read_config(path: &Path) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let mut config = Vec::new();
    file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut config).map_err(io_error("read", path))?;
    if config.starts_with(&GZIP_MAGIC) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(config.as_slice())
            .take(MAX_CONFIG_BYTES + 1)
            .read_to_end(&mut plain)
            .map_err(io_error("decompress", path))?;
        config = plain;
    }
    if config.len() as u64 > MAX_CONFIG_BYTES {
        return Err(Error::TooLarge { path: path.to_path_buf(), limit: MAX_CONFIG_BYTES });
    }
    Ok(config)
}

/// Replaces each `$(NAME)`; the name of the first variable that is not set is the error.
fn expand(config: &[u8], lookup: Lookup<'_>) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(config.len());
    let mut rest = config;
    while let Some(at) = rest.windows(2).position(|w| w == b"$(") {
        let tail = &rest[at + 2..];
        let len = tail.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        if len == 0 || tail.get(len) != Some(&b')') {
            out.extend_from_slice(&rest[..at + 2]);
            rest = tail;
            continue;
        }
        let name = std::str::from_utf8(&tail[..len]).expect("ASCII letters, digits and underscores");
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(lookup(name).ok_or_else(|| name.to_string())?.as_bytes());
        rest = &tail[len + 1..];
    }
    out.extend_from_slice(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<OsString> {
        match name {
            "HOST" => Some("quay-1".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        }
    }

    #[test]
    fn expands_only_the_parenthesised_form() {
        for (text, want) in [
            ("a: $(HOST)", Ok("a: quay-1")),
            ("$(HOST)$(EMPTY)$(HOST)", Ok("quay-1quay-1")),
            ("$HOST ${HOST} $() $(a-b) $(HOST", Ok("$HOST ${HOST} $() $(a-b) $(HOST")),
            ("$($(HOST))", Ok("$(quay-1)")),
            ("$$(HOST)", Ok("$quay-1")),
            ("", Ok("")),
            ("$(HOST) $(NOPE)", Err("NOPE")),
        ] {
            let got = expand(text.as_bytes(), &env).map(|b| String::from_utf8(b).expect("text"));
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn writes_compressed_and_plain_input_and_leaves_the_old_output_on_error() {
        let dir = tempfile::tempdir().expect("folder");
        let (input, output) = (dir.path().join("in.yml"), dir.path().join("out.yml"));
        let unset = IntGauge::new("unset", "h").expect("gauge");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"host: $(HOST)").expect("compress");
        for content in [gzip.finish().expect("compress"), b"host: $(HOST)".to_vec()] {
            std::fs::write(&input, content).expect("write");
            write_expanded(&input, &output, &unset, &env).expect("expanded");
            assert_eq!(std::fs::read_to_string(&output).expect("output"), "host: quay-1");
        }
        // Shorter than the gzip signature.
        std::fs::write(&input, "a").expect("write");
        write_expanded(&input, &output, &unset, &env).expect("expanded");
        assert_eq!((std::fs::read_to_string(&output).expect("output").as_str(), unset.get()), ("a", 0));

        for broken in [&b"$(NOPE)"[..], &[0x1f, 0x8b, 0x08, 0, 1]] {
            std::fs::write(&input, broken).expect("write");
            assert!(write_expanded(&input, &output, &unset, &env).is_err());
            assert_eq!(std::fs::read_to_string(&output).expect("output"), "a");
        }
        assert_eq!(unset.get(), 1);
        assert_eq!(std::fs::read_dir(dir.path()).expect("list").count(), 2, "no temporary file is left");
    }

    #[test]
    fn the_hash_follows_names_and_content_in_sub_folders() {
        let dir = tempfile::tempdir().expect("folder");
        let at = |name: &str| dir.path().join(name);
        let hash = || {
            let options = Options {
                config_file: None,
                config_output_file: None,
                watched_dirs: vec![dir.path().to_path_buf()],
                watch_interval: std::time::Duration::from_secs(1),
                retry_interval: std::time::Duration::from_secs(1),
            };
            prepare(&options, &IntGauge::new("unset", "h").expect("gauge"))
        };
        std::fs::create_dir(at("sub")).expect("folder");
        std::fs::write(at("sub/a.yml"), "a").expect("write");
        let first = hash().expect("hash");
        assert_eq!(hash().expect("hash"), first);
        std::fs::write(at("sub/a.yml"), "b").expect("write");
        let second = hash().expect("hash");
        assert_ne!(second, first);
        std::fs::rename(at("sub/a.yml"), at("sub/b.yml")).expect("rename");
        assert_ne!(hash().expect("hash"), second);
        std::os::unix::fs::symlink(at("gone"), at("link.yml")).expect("link");
        assert!(hash().expect_err("broken link").to_string().contains("link.yml"));
    }
}
