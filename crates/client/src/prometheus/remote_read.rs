//! The remote-read call, and the frames of its streamed answer.
//!
//! A streamed answer is a sequence of frames: length of the message as an unsigned varint, CRC-32C of the message as
//! four bytes big-endian, the message (`ChunkedReadResponse`). Source: Prometheus, `storage/remote/chunked.go`.

use bytes::{Buf, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use http::Method;
use http::header::HeaderMap;

use super::{Client, Error, MAX_BODY_BYTES, header, read_body};

/// Longest message of a frame in bytes; Prometheus's own limit for its clients.
pub const MAX_FRAME_BYTES: usize = 50_000_000;

/// Longest varint of a 64-bit length.
const MAX_VARINT_BYTES: usize = 10;

const CHECKSUM_BYTES: usize = 4;

/// What is wrong with a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is no 64-bit varint.
    #[error("frame {frame}: the length is not a varint of 64 bits")]
    BadLength {
        /// Number of the frame, from 0.
        frame: u64,
    },
    /// The frame is longer than the limit.
    #[error("frame {frame}: message size exceeded the limit {limit} bytes; got: {size} bytes")]
    TooLarge {
        /// Number of the frame, from 0.
        frame: u64,
        /// Its length.
        size: u64,
        /// The limit.
        limit: usize,
    },
    /// The checksum is not that of the message.
    #[error("frame {frame}: corrupted frame; checksum mismatch")]
    Checksum {
        /// Number of the frame, from 0.
        frame: u64,
    },
    /// The stream ends inside of a frame.
    #[error("frame {frame}: the stream ends after {have} bytes of it")]
    Truncated {
        /// Number of the frame, from 0.
        frame: u64,
        /// Bytes of the frame that are there.
        have: usize,
    },
}

/// Splits a byte stream into verified messages. Holds at most one frame and what came with it.
#[derive(Debug)]
pub struct FrameDecoder {
    buf: BytesMut,
    limit: usize,
    frame: u64,
}

impl FrameDecoder {
    /// A decoder that refuses messages longer than `limit` bytes.
    pub fn new(limit: usize) -> FrameDecoder {
        FrameDecoder { buf: BytesMut::new(), limit, frame: 0 }
    }

    /// Adds the next bytes of the stream.
    pub fn push(&mut self, part: &[u8]) {
        self.buf.extend_from_slice(part);
    }

    /// Takes the next message, if it is whole. After an error the stream cannot be read on.
    pub fn next_message(&mut self) -> Result<Option<Bytes>, FrameError> {
        let frame = self.frame;
        let Some((size, head)) = read_varint(&self.buf).map_err(|()| FrameError::BadLength { frame })? else {
            return Ok(None);
        };
        let Some(len) = usize::try_from(size).ok().filter(|len| *len <= self.limit) else {
            return Err(FrameError::TooLarge { frame, size, limit: self.limit });
        };
        let whole = head + CHECKSUM_BYTES + len;
        if self.buf.len() < whole {
            self.buf.reserve(whole - self.buf.len());
            return Ok(None);
        }
        self.buf.advance(head);
        let checksum = self.buf.get_u32();
        let message = self.buf.split_to(len).freeze();
        if crc32c::crc32c(&message) != checksum {
            return Err(FrameError::Checksum { frame });
        }
        self.frame += 1;
        Ok(Some(message))
    }

    /// To be called at the end of the stream: an error if it ends inside of a frame.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.buf.is_empty() {
            return Ok(());
        }
        Err(FrameError::Truncated { frame: self.frame, have: self.buf.len() })
    }
}

/// The value and length of the varint at the start of `bytes`; `None` when it goes on beyond them.
fn read_varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, ()> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(MAX_VARINT_BYTES) {
        // The tenth byte has room for one bit only.
        if i == MAX_VARINT_BYTES - 1 && *byte > 1 {
            return Err(());
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((value, i + 1)));
        }
    }
    Ok(None)
}

/// The messages of a streamed answer, one by one. Dropping it ends the request.
pub struct FrameStream {
    body: BoxStream<'static, Result<Bytes, reqwest::Error>>,
    decoder: FrameDecoder,
    url: String,
    done: bool,
}

impl FrameStream {
    /// The next `ChunkedReadResponse`, still encoded; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        while !self.done {
            match self.decoder.next_message() {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) => {}
                Err(source) => return Some(Err(self.fail(source))),
            }
            match self.body.try_next().await {
                Ok(Some(part)) => self.decoder.push(&part),
                Ok(None) => {
                    self.done = true;
                    if let Err(source) = self.decoder.finish() {
                        return Some(Err(self.fail(source)));
                    }
                }
                Err(source) => {
                    self.done = true;
                    return Some(Err(Error::Request { method: Method::POST, url: self.url.clone(), source }));
                }
            }
        }
        None
    }

    fn fail(&mut self, source: FrameError) -> Error {
        self.done = true;
        Error::Frame { url: self.url.clone(), source }
    }
}

/// Answer to a remote-read request.
pub enum RemoteReadResponse {
    /// A `ReadResponse` message, uncompressed: the server knows no streaming.
    Sampled(Bytes),
    /// A stream of `ChunkedReadResponse` messages.
    Streamed(FrameStream),
}

impl Client {
    /// Sends `request`, an encoded `ReadRequest` message.
    pub async fn remote_read(&self, request: &[u8]) -> Result<RemoteReadResponse, Error> {
        let url = self.url(&["api", "v1", "read"]);
        let at = url.to_string();
        let parse_error = |reason: String| Error::Parse { url: at.clone(), reason };
        let body = snap::raw::Encoder::new()
            .compress_vec(request)
            .map_err(|e| parse_error(format!("compress: {e}")))?;
        let headers: HeaderMap = [
            header("content-encoding", "snappy"),
            header("content-type", "application/x-stream-protobuf"),
            header("x-prometheus-remote-read-version", "0.1.0"),
        ]
        .into_iter()
        .collect();
        let response = self.send_2xx(Method::POST, url, headers, Bytes::from(body)).await?;
        let kind = response
            .headers()
            .get("content-type")
            .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        match kind.as_deref().unwrap_or_default() {
            kind if kind
                .starts_with("application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse") =>
            {
                Ok(RemoteReadResponse::Streamed(FrameStream {
                    body: response.bytes_stream().boxed(),
                    decoder: FrameDecoder::new(MAX_FRAME_BYTES),
                    url: at,
                    done: false,
                }))
            }
            kind if kind.starts_with("application/x-protobuf") => {
                let body = read_body(response).await?;
                decompress(&body).map(RemoteReadResponse::Sampled).map_err(parse_error)
            }
            kind => Err(parse_error(format!("not supported remote read content type: {kind}"))),
        }
    }
}

fn decompress(body: &[u8]) -> Result<Bytes, String> {
    let len = snap::raw::decompress_len(body).map_err(|e| format!("decompress: {e}"))?;
    if len > MAX_BODY_BYTES {
        return Err(format!("decompress: {len} bytes are more than the limit of {MAX_BODY_BYTES}"));
    }
    snap::raw::Decoder::new().decompress_vec(body).map(Bytes::from).map_err(|e| format!("decompress: {e}"))
}

#[cfg(test)]
mod tests;
