//! What a component prints, on its way to the log, line by line.

use bytes::Bytes;
use fogbank_model::{Clock, LogSink, LogStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// CloudWatch's limit of one event; what is longer is cut into several.
const MAX_LINE: usize = 256 * 1024;
/// How much a component may write in one go.
const PERMIT: usize = 64 * 1024;

/// The log of one instance.
pub(crate) struct Log {
    pub stream: LogStream,
    pub sink: Arc<dyn LogSink>,
    pub clock: Arc<dyn Clock>,
}

impl Log {
    pub fn line(&self, text: String) {
        self.sink.write(&self.stream, self.clock.now(), text);
    }
}

/// One of a call's two output streams.
#[derive(Clone)]
pub(crate) struct Output {
    /// A line that has not ended.
    rest: Arc<Mutex<Line>>,
}

/// The bytes of a line. It ends with the call at the latest.
struct Line {
    bytes: Vec<u8>,
    log: Arc<Log>,
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.pass_on();
        }
    }
}

impl Line {
    fn pass_on(&mut self) {
        for piece in self.bytes.chunks(MAX_LINE) {
            let piece = piece.strip_suffix(b"\r").unwrap_or(piece);
            self.log.line(String::from_utf8_lossy(piece).into_owned());
        }
        if self.bytes.is_empty() {
            self.log.line(String::new());
        }
        self.bytes.clear();
    }
}

impl Output {
    pub fn new(log: Arc<Log>) -> Self {
        Self { rest: Arc::new(Mutex::new(Line { bytes: Vec::new(), log })) }
    }

    fn take(&self, bytes: &[u8]) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = bytes;
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, more) = (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default());
            rest.bytes.extend_from_slice(line);
            rest.pass_on();
            bytes = more;
        }
        rest.bytes.extend_from_slice(bytes);
        if rest.bytes.len() >= MAX_LINE {
            rest.pass_on();
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
