//! S3 through the `opendal` library: signing, listing and parts are its business; the configuration's meaning is ours.
//!
//! Differs from Thanos: the MD5 of `send_content_md5` goes with objects sent in one request only, not with each part.

mod config;
mod transport;

use std::{collections::HashMap, ops::Range, path::Path};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use opendal::{Operator, options::WriteOptions, services::S3};
use tokio::io::AsyncReadExt;

pub use self::config::S3Config;
use crate::{
    Attributes, Body, Bucket, ByteStream, Entry, EntryStream, Error, ErrorKind, IterOptions, Object,
    Operation, Provider, Result, name,
};

/// Bytes read from a file, or handed over, at once.
const READ_SIZE: usize = 1024 * 1024;

/// The most that the protocol takes in one request.
const LARGEST_SINGLE: u64 = 5 * 1024 * 1024 * 1024;

/// A bucket of S3.
#[derive(Debug)]
pub struct S3Bucket {
    name: String,
    /// For everything but uploads in one request.
    operator: Operator,
    /// For uploads in one request; sends their MD5 when that is asked for.
    single: Operator,
    user_metadata: Option<HashMap<String, String>>,
    part_size: u64,
    multipart: bool,
}

impl S3Bucket {
    /// Prepares the client; nothing is sent yet.
    pub fn new(config: S3Config, component: &str) -> Result<Self> {
        config.validate()?;
        let mut user_metadata = config.put_user_metadata.clone();
        let class_key =
            user_metadata.keys().find(|key| key.eq_ignore_ascii_case("x-amz-storage-class")).cloned();
        let storage_class = class_key.and_then(|key| user_metadata.remove(&key));

        let region = config.effective_region();
        let customer_key = match config.sse_config.kind.as_str() {
            "SSE-C" => Some(customer_key(Path::new(&config.sse_config.encryption_key))?),
            _ => None,
        };
        let transport = transport::build(&config, component)?;
        let open = |md5: bool| -> Result<Operator> {
            let mut builder = S3::default()
                .bucket(&config.bucket)
                .endpoint(&config.url(&region))
                .region(&region)
                .access_key_id(&config.access_key)
                .secret_access_key(&config.secret_key)
                .session_token(&config.session_token)
                .default_storage_class(storage_class.as_deref().unwrap_or_default());
            if config.virtual_hosted() {
                builder = builder.enable_virtual_host_style();
            }
            if config.list_objects_version == "v1" {
                builder = builder.disable_list_objects_v2();
            }
            if md5 {
                builder = builder.checksum_algorithm("md5");
            }
            builder = match (config.sse_config.kind.as_str(), &customer_key) {
                ("SSE-S3", _) => builder.server_side_encryption_with_s3_key(),
                ("SSE-KMS", _) => {
                    let key = &config.sse_config.kms_key_id;
                    builder.server_side_encryption_with_customer_managed_kms_key(key)
                }
                (_, Some(key)) => builder.server_side_encryption_with_customer_key("AES256", key),
                _ => builder,
            };
            let operator = Operator::new(builder)
                .map_err(|error| Error::config(format!("create S3 client: {error}")))?;
            let context = operator.base_context().with_http_transport(transport.clone());
            Ok(operator.with_context(context))
        };
        Ok(S3Bucket {
            name: config.bucket.clone(),
            operator: open(false)?,
            single: open(config.send_content_md5)?,
            user_metadata: (!user_metadata.is_empty()).then_some(user_metadata),
            part_size: config.part_size,
            multipart: !config.disable_multipart,
        })
    }

    fn write_options(&self) -> WriteOptions {
        WriteOptions { user_metadata: self.user_metadata.clone(), ..WriteOptions::default() }
    }

    async fn read_range(&self, object: &str, range: Range<u64>) -> opendal::Result<Bytes> {
        let options = opendal::options::ReadOptions { range: range.into(), ..Default::default() };
        self.operator.read_options(object, options).await.map(|content| content.to_bytes())
    }

    async fn upload_single(&self, object: &str, content: Vec<Bytes>) -> Result<()> {
        let buffer: opendal::Buffer = content.into();
        let done = self.single.write_options(object, buffer, self.write_options()).await;
        done.map(drop).map_err(|error| convert(Operation::Upload, object, error))
    }

    async fn upload_parts(&self, object: &str, mut content: ByteStream, size: Option<u64>) -> Result<()> {
        let failed = |error| convert(Operation::Upload, object, error);
        let options = WriteOptions { chunk: Some(self.part_size as usize), ..self.write_options() };
        let mut writer = self.operator.writer_options(object, options).await.map_err(failed)?;
        let mut sent = 0u64;
        let outcome = async {
            while let Some(part) = content.next().await {
                let part = part?;
                sent += part.len() as u64;
                writer.write(part).await.map_err(failed)?;
            }
            if let Some(size) = size.filter(|size| *size != sent) {
                let why = format!("content ends after {sent} of {size} bytes");
                return Err(Error::new(Operation::Upload, object, ErrorKind::Permanent, why));
            }
            writer.close().await.map(drop).map_err(failed)
        }
        .await;
        if outcome.is_err() {
            // The parts sent so far are no object, but would be paid for.
            if let Err(error) = writer.abort().await {
                tracing::warn!(object, %error, "parts of a failed upload are left in the bucket");
            }
        }
        outcome
    }
}

/// Reads the 32 bytes of an `SSE-C` key.
fn customer_key(path: &Path) -> Result<Vec<u8>> {
    let key = std::fs::read(path).map_err(|error| {
        Error::config(format!("create S3 client: read encryption_key {}: {error}", path.display()))
    })?;
    if key.len() != 32 {
        let (path, len) = (path.display(), key.len());
        return Err(Error::config(format!(
            "create S3 client: encryption_key {path} has {len} bytes, not 32"
        )));
    }
    Ok(key)
}

fn convert(operation: Operation, object: &str, error: opendal::Error) -> Error {
    use opendal::ErrorKind as Theirs;
    let kind = match error.kind() {
        Theirs::NotFound | Theirs::NotADirectory => ErrorKind::NotFound,
        Theirs::PermissionDenied => ErrorKind::AccessDenied,
        Theirs::RateLimited => ErrorKind::Retryable,
        Theirs::ConfigInvalid => ErrorKind::Config,
        _ if error.is_temporary() => ErrorKind::Retryable,
        _ => ErrorKind::Permanent,
    };
    Error::new(operation, object, kind, error)
}

/// Checks a content's size against the limit of one request and collects it.
async fn collect_single(object: &str, mut content: ByteStream, size: Option<u64>) -> Result<Vec<Bytes>> {
    let mut parts = Vec::new();
    let mut len = 0u64;
    while let Some(part) = content.next().await {
        let part = part?;
        len += part.len() as u64;
        if len > LARGEST_SINGLE {
            return Err(Error::too_large(Operation::Upload, object, LARGEST_SINGLE));
        }
        parts.push(part);
    }
    if let Some(size) = size.filter(|size| *size != len) {
        let why = format!("content ends after {len} of {size} bytes");
        return Err(Error::new(Operation::Upload, object, ErrorKind::Permanent, why));
    }
    Ok(parts)
}

/// Opens a local file as a content.
async fn read_file(object: &str, path: &Path) -> Result<(u64, ByteStream)> {
    let (object, shown) = (object.to_owned(), path.display().to_string());
    let failed = move |error: std::io::Error| {
        Error::new(Operation::Upload, &object, ErrorKind::Permanent, format!("read {shown}: {error}"))
    };
    let file = tokio::fs::File::open(path).await.map_err(&failed)?;
    let size = file.metadata().await.map_err(&failed)?.len();
    let content = stream::try_unfold((file, failed), |(mut file, failed)| async move {
        let mut part = Vec::with_capacity(READ_SIZE);
        let read = (&mut file).take(READ_SIZE as u64).read_to_end(&mut part).await.map_err(&failed)?;
        Ok((read > 0).then(|| (Bytes::from(part), (file, failed))))
    });
    Ok((size, content.boxed()))
}

#[async_trait]
impl Bucket for S3Bucket {
    fn name(&self) -> &str {
        &self.name
    }

    fn provider(&self) -> Provider {
        Provider::S3
    }

    async fn get_stream(&self, object: &str) -> Result<Object> {
        name::check(Operation::Get, object)?;
        let failed = |error| convert(Operation::Get, object, error);
        // The size is needed before the content, and the library gives none with it.
        let size = self.operator.stat(object).await.map_err(failed)?.content_length();
        if size == 0 {
            return Ok(Object { size, stream: stream::empty().boxed() });
        }
        let reader = self.operator.reader(object).await.map_err(failed)?;
        let content = reader.into_bytes_stream(0..size).await.map_err(failed)?;
        let object = object.to_owned();
        // The library wraps its errors as `io::Error`; the breaking-off of a content is worth another try.
        let content = content.map_err(move |error| {
            Error::new(Operation::Get, &object, ErrorKind::Retryable, error.to_string())
        });
        Ok(Object { size, stream: content.boxed() })
    }

    async fn get_range(&self, object: &str, range: Range<u64>) -> Result<Bytes> {
        name::check(Operation::GetRange, object)?;
        if range.is_empty() {
            return match self.operator.stat(object).await {
                Ok(_) => Ok(Bytes::new()),
                Err(error) => Err(convert(Operation::GetRange, object, error)),
            };
        }
        match self.read_range(object, range.clone()).await {
            Ok(content) => Ok(content),
            Err(error) if error.kind() == opendal::ErrorKind::RangeNotSatisfied => Ok(Bytes::new()),
            // The library takes an answer that the object's end cuts short for a broken one. The size tells them apart.
            Err(error) if error.kind() == opendal::ErrorKind::Unexpected && !error.is_temporary() => {
                let failed = |error| convert(Operation::GetRange, object, error);
                let size = self.operator.stat(object).await.map_err(failed)?.content_length();
                if range.end <= size {
                    return Err(failed(error));
                }
                if range.start >= size {
                    return Ok(Bytes::new());
                }
                self.read_range(object, range.start..size).await.map_err(failed)
            }
            Err(error) => Err(convert(Operation::GetRange, object, error)),
        }
    }

    async fn exists(&self, object: &str) -> Result<bool> {
        name::check(Operation::Exists, object)?;
        match self.operator.stat(object).await {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error) if error.kind() == opendal::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(convert(Operation::Exists, object, error)),
        }
    }

    async fn attributes(&self, object: &str) -> Result<Attributes> {
        name::check(Operation::Attributes, object)?;
        let metadata = self
            .operator
            .stat(object)
            .await
            .map_err(|error| convert(Operation::Attributes, object, error))?;
        let Some(last_modified) = metadata.last_modified() else {
            let why = "server gives no time of last modification";
            return Err(Error::new(Operation::Attributes, object, ErrorKind::Permanent, why));
        };
        Ok(Attributes { size: metadata.content_length(), last_modified: last_modified.into() })
    }

    async fn upload(&self, object: &str, body: Body) -> Result<()> {
        name::check(Operation::Upload, object)?;
        let (size, content) = match body {
            Body::Bytes(bytes) => {
                let len = bytes.len() as u64;
                let parts = (0..bytes.len()).step_by(READ_SIZE);
                let parts: Vec<Result<Bytes>> =
                    parts.map(|at| Ok(bytes.slice(at..bytes.len().min(at + READ_SIZE)))).collect();
                (Some(len), stream::iter(parts).boxed())
            }
            Body::File(path) | Body::Final(path) => {
                let (size, content) = read_file(object, &path).await?;
                (Some(size), content)
            }
            Body::Stream { size, stream } => (size, stream),
        };
        if self.multipart && size.is_none_or(|size| size > self.part_size) {
            return self.upload_parts(object, content, size).await;
        }
        let parts = collect_single(object, content, size).await?;
        self.upload_single(object, parts).await
    }

    async fn delete(&self, object: &str) -> Result<()> {
        name::check(Operation::Delete, object)?;
        match self.operator.delete(object).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == opendal::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(convert(Operation::Delete, object, error)),
        }
    }

    fn iter(&self, dir: &str, options: IterOptions) -> EntryStream {
        let dir = match name::check_dir(dir) {
            Ok("") => "/".to_owned(),
            Ok(dir) => format!("{dir}/"),
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let operator = self.operator.clone();
        let listed = dir.clone();
        let lister = async move {
            let list = opendal::options::ListOptions { recursive: options.recursive, ..Default::default() };
            operator.lister_options(&dir, list).await.map_err(|error| convert(Operation::Iter, &dir, error))
        };
        let failed = listed.clone();
        let entries = stream::once(lister).map_ok(move |lister| {
            let failed = failed.clone();
            lister.map_err(move |error| convert(Operation::Iter, &failed, error))
        });
        entries
            .try_flatten()
            .try_filter_map(move |entry| {
                let name = entry.path().to_owned();
                // The library lists the directory itself, and the markers that some tools leave for directories.
                let skip = name == listed || name == "/" || (options.recursive && name.ends_with('/'));
                let modified = entry.metadata().last_modified().filter(|_| options.last_modified);
                let entry = Entry { name, last_modified: modified.map(Into::into) };
                async move { Ok((!skip).then_some(entry)) }
            })
            .boxed()
    }
}
