//! Does the bucket hold what was uploaded?

use std::path::Path;
use std::sync::Arc;

use bucket::block;
use futures::StreamExt;
use objstore::Bucket;
use tsdb::meta::BlockMeta;

use crate::error::{Error, Result};

/// Reads an uploaded block back: every file has the size it has locally, and the index and meta.json have the same bytes.
///
/// `Some` tells what is different. Sources are only marked for deletion after this. Chunk files are compared by size, not read again: an upload of another length is what
/// a broken connection leaves, and object stores keep checksums of their own.
pub async fn read_back(bucket: &Arc<dyn Bucket>, dir: &Path, uploaded: &BlockMeta) -> Result<Option<String>> {
    let id = uploaded.ulid;
    for file in &uploaded.thanos.files {
        if file.rel_path == block::META_FILE {
            continue;
        }
        let object = format!("{id}/{}", file.rel_path);
        let found = match bucket.attributes(&object).await {
            Ok(attributes) => attributes.size,
            Err(error) if error.is_not_found() => return Ok(Some(format!("{object} is not in the bucket"))),
            Err(error) => return Err(Error::storage(format!("read back {object}"))(error)),
        };
        if i64::try_from(found).ok() != Some(file.size_bytes) {
            let uploaded = file.size_bytes;
            return Ok(Some(format!("{object}: {found} bytes in the bucket, {uploaded} uploaded")));
        }
    }
    if let Some(why) = compare(bucket, &block::index(id), &dir.join(block::INDEX_FILE)).await? {
        return Ok(Some(why));
    }
    match bucket::fetcher::read_meta(bucket.as_ref(), id).await {
        Ok(meta) if meta == *uploaded => Ok(None),
        Ok(_) => Ok(Some(format!("{}: another meta than was uploaded", block::meta(id)))),
        Err(error @ (bucket::Error::NoMeta { .. } | bucket::Error::CorruptMeta { .. })) => {
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(Error::retry(format!("read back meta.json of block {id}"))(error)),
    }
}

/// Streams an object and compares it with a file; holds one part of the stream and as much of the file.
async fn compare(bucket: &Arc<dyn Bucket>, object: &str, path: &Path) -> Result<Option<String>> {
    use tokio::io::AsyncReadExt;

    let what = || format!("read back {object}");
    let mut remote = bucket.get_stream(object).await.map_err(Error::storage(what()))?.stream;
    let mut local = tokio::fs::File::open(path).await.map_err(Error::local(what()))?;
    let mut buffer = Vec::new();
    let mut at = 0u64;
    while let Some(part) = remote.next().await {
        let part = part.map_err(Error::storage(what()))?;
        buffer.resize(part.len(), 0);
        let same = match local.read_exact(&mut buffer).await {
            Ok(_) => buffer == part,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(Error::local(what())(error)),
        };
        if !same {
            return Ok(Some(format!("{object} differs from what was uploaded, from byte {at} on")));
        }
        at += part.len() as u64;
    }
    match local.read(&mut [0u8; 1]).await {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(format!("{object} ends after {at} bytes, before the end of what was uploaded"))),
        Err(error) => Err(Error::local(what())(error)),
    }
}
