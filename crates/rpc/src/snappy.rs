//! The `snappy` message compression that Thanos registers with gRPC: each message is a stream in snappy's framing format.
//!
//! tonic knows no foreign compression, so the messages are recoded below it: bodies pass through [`Recoded`], and the
//! headers are set so that tonic sees uncompressed messages.

use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame};
use tonic::Status;

use crate::frame::{HEADER, MAX_MESSAGE, Splitter};

/// The name in `grpc-encoding`.
pub const NAME: &str = "snappy";
const ENCODING: &str = "grpc-encoding";
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// Which way messages are recoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Compress,
    Decompress,
}

/// Marks outgoing headers as snappy; the body has to go through [`Recoded::compress`].
pub fn mark(headers: &mut HeaderMap) {
    headers.insert(ENCODING, HeaderValue::from_static(NAME));
}

/// Takes the snappy mark off incoming headers and tells whether it was there; if so the body has to go through
/// [`Recoded::decompress`].
pub fn unmark(headers: &mut HeaderMap) -> bool {
    let marked = headers.get(ENCODING).is_some_and(|value| value.as_bytes() == NAME.as_bytes());
    if marked {
        headers.remove(ENCODING);
    }
    marked
}

/// Tells the peer that snappy answers are understood.
pub fn accept(headers: &mut HeaderMap) {
    let value = match headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) {
        Some(others) => {
            HeaderValue::from_str(&format!("{NAME},{others}")).unwrap_or(HeaderValue::from_static(NAME))
        }
        None => HeaderValue::from_static(NAME),
    };
    headers.insert(ACCEPT_ENCODING, value);
}

pin_project_lite::pin_project! {
    /// A gRPC body whose messages are compressed or decompressed on the way. Holds one message at a time.
    pub struct Recoded<B> {
        #[pin]
        body: B,
        splitter: Splitter,
        direction: Direction,
        held: Option<Frame<Bytes>>,
        ended: bool,
    }
}

impl<B> Recoded<B> {
    /// Compresses the messages of `body`.
    pub fn compress(body: B) -> Self {
        Self::new(body, Direction::Compress)
    }

    /// Decompresses the messages of `body` that are marked compressed.
    pub fn decompress(body: B) -> Self {
        Self::new(body, Direction::Decompress)
    }

    fn new(body: B, direction: Direction) -> Self {
        Self { body, splitter: Splitter::default(), direction, held: None, ended: false }
    }
}

impl<B> Body for Recoded<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut this = self.project();
        loop {
            let message = this
                .splitter
                .next_message()
                .map_err(|error| Status::resource_exhausted(error.to_string()))?;
            if let Some((compressed, message)) = message {
                return Poll::Ready(Some(recode(*this.direction, compressed, &message).map(Frame::data)));
            }
            if let Some(frame) = this.held.take() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if *this.ended {
                return Poll::Ready(None);
            }
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.splitter.push(&data),
                    Err(trailers) => *this.held = Some(trailers),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(Status::from_error(error.into())))),
                None => {
                    *this.ended = true;
                    if !this.splitter.is_empty() {
                        return Poll::Ready(Some(Err(Status::internal("body ends inside a gRPC message"))));
                    }
                }
            }
        }
    }
}

fn recode(direction: Direction, compressed: bool, message: &[u8]) -> Result<Bytes, Status> {
    let mut out = vec![0; HEADER];
    match (direction, compressed) {
        (Direction::Compress, false) => {
            out[0] = 1;
            let mut encoder = snap::write::FrameEncoder::new(out);
            encoder
                .write_all(message)
                .map_err(|error| Status::internal(format!("snappy compression: {error}")))?;
            out = encoder
                .into_inner()
                .map_err(|error| Status::internal(format!("snappy compression: {}", error.error())))?;
        }
        (Direction::Decompress, true) => {
            let read = snap::read::FrameDecoder::new(message)
                .take(MAX_MESSAGE as u64 + 1)
                .read_to_end(&mut out)
                .map_err(|error| Status::internal(format!("snappy decompression: {error}")))?;
            if read > MAX_MESSAGE {
                return Err(Status::resource_exhausted(format!(
                    "decompressed gRPC message is over {MAX_MESSAGE} bytes"
                )));
            }
        }
        (_, compressed) => {
            out[0] = u8::from(compressed);
            out.extend_from_slice(message);
        }
    }
    let length = u32::try_from(out.len() - HEADER)
        .map_err(|_| Status::resource_exhausted("gRPC message is over 4 GiB"))?;
    out[1..HEADER].copy_from_slice(&length.to_be_bytes());
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    fn message(flag: u8, data: &[u8]) -> Vec<u8> {
        let mut out = vec![flag];
        out.extend_from_slice(&(data.len() as u32).to_be_bytes());
        out.extend_from_slice(data);
        out
    }

    #[tokio::test]
    async fn round_trip() {
        let long: Vec<u8> = (0..200_000u32).map(|i| (i / 7) as u8).collect();
        let plain = [message(0, b""), message(0, b"hello"), message(0, &long)].concat();
        let body = Full::new(Bytes::from(plain.clone()));
        let compressed = Recoded::compress(body).collect().await.unwrap().to_bytes();
        assert!(compressed.len() < plain.len());
        assert_eq!(compressed[0], 1);
        let back = Recoded::decompress(Full::new(compressed)).collect().await.unwrap().to_bytes();
        assert_eq!(back, plain);
    }

    #[tokio::test]
    async fn broken_bodies_are_errors() {
        for bytes in [message(1, b"not snappy"), vec![0, 0, 0, 0, 9, 1]] {
            assert!(Recoded::decompress(Full::new(Bytes::from(bytes))).collect().await.is_err());
        }
    }

    #[test]
    fn headers() {
        let mut headers = HeaderMap::new();
        mark(&mut headers);
        assert!(unmark(&mut headers) && !unmark(&mut headers));
        accept(&mut headers);
        assert_eq!(headers["grpc-accept-encoding"], "snappy");
    }
}
