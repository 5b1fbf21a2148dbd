//! Which version of HTTP a client speaks: one that knows that it may speak HTTP/2 begins with a preface (RFC 9113, 3.4). What was read to find
//! out is read again by whoever serves the connection, so that an HTTP/1 connection costs no system call more.

use bytes::{Buf, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// As much as hyper reads at first.
const FIRST_READ: usize = 8192;

/// A connection of which something was read already.
pub(super) struct Begun<I> {
    first: BytesMut,
    io: I,
}

impl<I: AsyncRead + Unpin> Begun<I> {
    /// Reads until it is clear what the client speaks, which for HTTP/1 is after the first bytes. `None` if the client leaves before.
    pub async fn begin(mut io: I) -> Option<Self> {
        let mut first = BytesMut::with_capacity(FIRST_READ);
        while first.len() < PREFACE.len() && PREFACE.starts_with(&first) {
            if io.read_buf(&mut first).await.ok()? == 0 {
                return None;
            }
        }
        Some(Self { first, io })
    }

    /// Whether the client speaks HTTP/2.
    pub fn is_version_2(&self) -> bool {
        self.first.starts_with(PREFACE)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Begun<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let count = self.first.len().min(buffer.remaining());
        buffer.put_slice(&self.first[..count]);
        self.first.advance(count);
        if self.first.is_empty() {
            self.first = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Begun<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
