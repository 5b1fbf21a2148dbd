//! Looking out for the next request before the thread sleeps. A client that asks again as soon as it has its answer makes the platform sleep and wake once a
//! request, and waking a halted processor is slow: on a virtual machine it was 40 of the 95 µs of a small read. So where the client was quick the last
//! time and no request is under way anywhere, its connection's task keeps looking for the next one, for as long as a quick client takes. All others are
//! waited for as usual.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest pause of a quick client. A loop of calls over loopback pauses for 30 to 100 µs, one of boto3's for half a millisecond.
const QUICK: Duration = Duration::from_micros(150);

/// How many requests are under way in this process: what they need of the processors goes first.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Whose turn it is to send something on an HTTP/1 connection.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The client's, which has its answer since then.
    Client { since: Instant, was_quick: bool },
    /// The platform's, since a request is under way.
    Platform { was_quick: bool },
}

impl Turn {
    fn after_read(self, now: Instant) -> Self {
        match self {
            Self::Client { since, .. } => Self::Platform { was_quick: now.duration_since(since) <= QUICK },
            under_way @ Self::Platform { .. } => under_way,
        }
    }

    fn after_write(self, now: Instant) -> Self {
        match self {
            Self::Client { was_quick, .. } | Self::Platform { was_quick } => Self::Client { since: now, was_quick },
        }
    }

    fn is_worth_looking(self, now: Instant, under_way: usize) -> bool {
        match self {
            Self::Client { since, was_quick } => was_quick && under_way == 0 && now.duration_since(since) <= QUICK,
            Self::Platform { .. } => false,
        }
    }

    fn under_way(self) -> usize {
        usize::from(matches!(self, Self::Platform { .. }))
    }
}

/// A connection that is eager for the next request.
pub(super) struct Eager<I> {
    io: I,
    turn: Turn,
}

impl<I> Eager<I> {
    pub fn new(io: I) -> Self {
        Self { io, turn: Turn::Client { since: Instant::now(), was_quick: false } }
    }

    fn turn_to(&mut self, next: Turn) {
        match (self.turn.under_way(), next.under_way()) {
            (0, 1) => drop(UNDER_WAY.fetch_add(1, Ordering::Relaxed)),
            (1, 0) => drop(UNDER_WAY.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
        self.turn = next;
    }
}

impl<I> Drop for Eager<I> {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(self.turn.under_way(), Ordering::Relaxed);
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Eager<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        let now = Instant::now();
        if buffer.filled().len() > before {
            let next = self.turn.after_read(now);
            self.turn_to(next);
        } else if read.is_pending() && self.turn.is_worth_looking(now, UNDER_WAY.load(Ordering::Relaxed)) {
            // Wakes this task after a look at what has arrived, and lets others run before. The next poll is another one's, so this is dropped.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Eager<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let next = self.turn.after_write(Instant::now());
        self.turn_to(next);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let next = self.turn.after_write(Instant::now());
        self.turn_to(next);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    /// The turn after a request that came after `pause`, and was answered at the returned time.
    fn answered_after(pause: Duration) -> (Turn, Instant) {
        let begun = Instant::now();
        let asked = Turn::Client { since: begun, was_quick: false }.after_read(begun + pause);
        let at = begun + pause + micros(5000);
        (asked.after_write(at), at)
    }

    #[test]
    fn a_client_that_was_quick_is_looked_out_for_until_it_is_not() {
        let (turn, at) = answered_after(micros(80));
        assert!(turn.is_worth_looking(at + micros(100), 0));
        assert!(!turn.is_worth_looking(at + micros(200), 0), "it sleeps at last");
        let slow = turn.after_read(at + micros(400)).after_write(at + micros(500));
        assert!(!slow.is_worth_looking(at + micros(501), 0));
    }

    #[test]
    fn a_slow_client_and_one_of_several_are_waited_for_as_usual() {
        let (slow, at) = answered_after(micros(500));
        assert!(!slow.is_worth_looking(at, 0));
        let (quick, at) = answered_after(micros(80));
        assert!(!quick.is_worth_looking(at, 1));
        assert!(!quick.after_read(at).is_worth_looking(at, 0), "its own request is under way");
    }

    #[tokio::test]
    async fn requests_under_way_are_counted_until_their_answer_or_the_connections_end() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Eager::new(server);
        let mut buffer = [0; 8];
        for _ in 0..2 {
            client.write_all(b"ask").await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 3);
            assert_eq!(server.turn.under_way(), 1);
            server.write_all(b"answer").await.unwrap();
            assert_eq!(server.turn.under_way(), 0);
        }
    }
}
