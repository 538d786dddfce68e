//! Uploads a block's directory.

use std::path::{Path, PathBuf};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use objstore::{Body, Bucket};
use sha2::{Digest, Sha256};
use tsdb::meta::{BlockMeta, File, FileHash, UploadTime};
use ulid::Ulid;

use crate::{Error, Result, block};

/// The hash that is written into meta.json for every file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HashFunc {
    /// None.
    #[default]
    None,
    /// SHA-256.
    Sha256,
}

impl std::str::FromStr for HashFunc {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "" => Ok(HashFunc::None),
            "SHA256" => Ok(HashFunc::Sha256),
            other => Err(format!("hash function {other} is not supported")),
        }
    }
}

/// How to upload.
#[derive(Debug, Clone, Copy)]
pub struct UploadOptions {
    /// The hash for meta.json.
    pub hash_func: HashFunc,
    /// Refuse a block without external labels.
    pub require_labels: bool,
    /// Chunk files that are uploaded at once; 0 is 1.
    pub concurrency: usize,
    /// The files are on the disk whole and nobody writes to them any more, so that a bucket on the same disk may take them as they are.
    pub is_final: bool,
}

impl Default for UploadOptions {
    fn default() -> Self {
        UploadOptions { hash_func: HashFunc::None, require_labels: true, concurrency: 1, is_final: false }
    }
}

/// Uploads the block in `dir`, whose name is the block's: chunks, then the index, and meta.json last, so that a block that is there at
/// all is there whole. The list of files and the time of upload are written into the uploaded meta.json, which is returned; the local
/// one stays as it is. What a failed upload leaves is a partial block, which the next try overwrites.
pub async fn upload(bucket: &dyn Bucket, dir: &Path, options: UploadOptions) -> Result<BlockMeta> {
    let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(id) = block::parse_dir(name) else {
        return Err(Error::block(dir.display(), "directory is not named for a block"));
    };
    let local = dir.to_owned();
    let gather = move || -> Result<BlockMeta> {
        let mut meta = BlockMeta::read_dir(&local).map_err(|error| Error::block(id, error))?;
        if meta.ulid != id {
            return Err(Error::block(id, format!("meta.json names block {}", meta.ulid)));
        }
        if options.require_labels && meta.thanos.labels.is_empty() {
            return Err(Error::block(id, "empty external labels are not allowed for Thanos block"));
        }
        meta.thanos.files = files(&local, options.hash_func)?;
        Ok(meta)
    };
    let mut meta = blocking(id, gather).await?;
    let object = |file: &str| format!("{id}/{file}");
    let body = |path: PathBuf| if options.is_final { Body::Final(path) } else { Body::File(path) };
    let chunks = meta.thanos.files.iter().filter(|file| file.rel_path.starts_with(block::CHUNKS_DIR));
    let chunks: Vec<_> = chunks
        .map(|file| {
            let (name, body) = (object(&file.rel_path), body(dir.join(&file.rel_path)));
            async move { bucket.upload(&name, body).await }
        })
        .collect();
    stream::iter(chunks).buffer_unordered(options.concurrency.max(1)).try_collect::<()>().await?;
    bucket.upload(&object(block::INDEX_FILE), body(dir.join(block::INDEX_FILE))).await?;
    meta.thanos.upload_time = UploadTime(Some(Timestamp::now()));
    let json = meta.to_json().map_err(|error| Error::block(id, error))?;
    bucket.upload(&block::meta(id), json.into()).await?;
    Ok(meta)
}

/// Runs file work on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(
    id: Ulid,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::block(id, error)),
    }
}

/// The files of a block's directory that belong into a bucket, sorted by path. meta.json is listed without its size.
pub fn files(dir: &Path, hash_func: HashFunc) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let chunks = dir.join(block::CHUNKS_DIR);
    for entry in std::fs::read_dir(&chunks).map_err(Error::file(&chunks))? {
        let entry = entry.map_err(Error::file(&chunks))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            return Err(Error::block(dir.display(), format!("file name {name:?} in chunks is not UTF-8")));
        };
        files.push(stat(dir, format!("{}/{name}", block::CHUNKS_DIR), hash_func)?);
    }
    files.push(stat(dir, block::INDEX_FILE.to_owned(), hash_func)?);
    let meta = dir.join(block::META_FILE);
    std::fs::metadata(&meta).map_err(Error::file(&meta))?;
    files.push(File { rel_path: block::META_FILE.to_owned(), size_bytes: 0, hash: None });
    files.sort_by(|a, b| a.rel_path.cmp(&b.rel_path));
    Ok(files)
}

fn stat(dir: &Path, rel_path: String, hash_func: HashFunc) -> Result<File> {
    let path = dir.join(&rel_path);
    let metadata = std::fs::metadata(&path).map_err(Error::file(&path))?;
    if !metadata.is_file() {
        return Err(Error::block(dir.display(), format!("{rel_path} is not a file")));
    }
    let hash = match hash_func {
        HashFunc::None => None,
        HashFunc::Sha256 => Some(FileHash { func: "SHA256".to_owned(), value: sha256(&path)? }),
    };
    Ok(File { rel_path, size_bytes: metadata.len() as i64, hash })
}

/// The SHA-256 of a file in lower-case hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    use std::io::Read as _;

    let mut file = std::fs::File::open(path).map_err(Error::file(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::File { path: PathBuf::from(path), source }),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
