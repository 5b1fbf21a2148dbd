//! What a function prints, on its way to the log. Lines are cut at newlines; records that a bootstrap writes as frames (as AWS's own runtimes
//! do) stay whole. What is not read stays in the pipe and holds the function back, so a flood costs no memory.

use fogbank_model::{Clock, LogSink, LogStream};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::unix::pipe;

/// CloudWatch's limit of one event; what is longer is cut into several.
const MAX_LINE: usize = 256 * 1024;
/// A frame begins with these bytes, then its length (4 bytes) and time (8 bytes).
const FRAME: [u8; 4] = [0xa5, 0x5a, 0x00, 0x03];
const FRAME_HEAD: usize = 16;
/// How much is taken in one go before others get their turn.
const BURST: usize = 1024 * 1024;

/// One instance's output.
pub(crate) struct Output {
    pipe: pipe::Receiver,
    buffer: Mutex<Buffer>,
    stream: LogStream,
    sink: Arc<dyn LogSink>,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Buffer {
    /// What has been read and is not yet a whole line or frame.
    rest: Vec<u8>,
    closed: bool,
}

impl Output {
    pub(crate) fn new(pipe: pipe::Receiver, stream: LogStream, sink: Arc<dyn LogSink>, clock: Arc<dyn Clock>) -> Self {
        Self { pipe, buffer: Mutex::default(), stream, sink, clock }
    }

    /// Passes on what comes until the last writer has gone.
    pub(crate) async fn follow(&self) {
        while self.pipe.readable().await.is_ok() {
            if self.take(|buffer| self.pipe.try_read(buffer)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Passes on what is in the pipe now, so that it stands in the log before the call's end does. Asks the kernel, not the reactor, which may
    /// not have heard of it yet.
    pub(crate) fn catch_up(&self) {
        self.take(|buffer| rustix::io::read(&self.pipe, buffer).map_err(std::io::Error::from));
    }

    /// Reads until there is nothing more or enough; true when the pipe has ended.
    fn take(&self, mut read: impl FnMut(&mut [u8]) -> std::io::Result<usize>) -> bool {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut chunk, mut taken) = ([0u8; 8192], 0);
        while !buffer.closed && taken < BURST {
            match read(&mut chunk) {
                Ok(0) => buffer.closed = true,
                Ok(length) => {
                    taken += length;
                    buffer.rest.extend_from_slice(&chunk[..length]);
                    self.pass_on(&mut buffer.rest, false);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => buffer.closed = true,
            }
        }
        if buffer.closed {
            self.pass_on(&mut buffer.rest, true);
        }
        buffer.closed
    }

    fn pass_on(&self, rest: &mut Vec<u8>, all: bool) {
        let mut at = 0;
        while let Some((message, length)) = next_message(&rest[at..], all) {
            let text = String::from_utf8_lossy(message).into_owned();
            at += length;
            self.sink.write(&self.stream, self.clock.now(), text);
        }
        rest.drain(..at);
    }
}

/// The first message in `data` and how many bytes it takes; `None` if it is not whole yet.
fn next_message(data: &[u8], all: bool) -> Option<(&[u8], usize)> {
    if data.is_empty() {
        return None;
    }
    if data.starts_with(&FRAME[..data.len().min(4)]) && !all || data.starts_with(&FRAME) {
        let length = data.get(4..8).map(|bytes| bytes.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte)));
        return match length {
            Some(length) if length <= MAX_LINE => match data.get(FRAME_HEAD..FRAME_HEAD + length) {
                Some(message) => Some((message.strip_suffix(b"\n").unwrap_or(message), FRAME_HEAD + length)),
                None if all => Some((data.get(FRAME_HEAD..).unwrap_or_default(), data.len())),
                None => None,
            },
            // A record that is too long is cut up like a line.
            Some(_) => data.get(FRAME_HEAD..FRAME_HEAD + MAX_LINE).map(|message| (message, FRAME_HEAD + MAX_LINE)),
            None => None,
        };
    }
    let newline = data.iter().position(|byte| *byte == b'\n');
    let frame = data.windows(4).position(|window| window == FRAME);
    let (end, skip) = match (newline, frame) {
        (Some(newline), frame) if frame.is_none_or(|frame| newline < frame) => (newline, 1),
        (_, Some(frame)) => (frame, 0),
        _ if all || data.len() >= MAX_LINE => (data.len(), 0),
        _ => return None,
    };
    if end > MAX_LINE {
        return Some((&data[..MAX_LINE], MAX_LINE));
    }
    Some((data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]), end + skip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(mut data: &[u8], all: bool) -> Vec<String> {
        let mut found = Vec::new();
        while let Some((message, length)) = next_message(data, all) {
            found.push(String::from_utf8_lossy(message).into_owned());
            data = &data[length..];
        }
        found
    }

    fn frame(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap_or(0).to_be_bytes();
        [&FRAME[..], &length, &[0; 8], text.as_bytes()].concat()
    }

    #[test]
    fn lines_are_cut_at_newlines_and_the_last_waits_for_its_own() {
        assert_eq!(messages(b"one\r\ntwo\nthr", false), ["one", "two"]);
        assert_eq!(messages(b"one\ntwo\nthr", true), ["one", "two", "thr"]);
    }

    #[test]
    fn a_frame_of_several_lines_is_one_message() {
        let data = [b"before\n".to_vec(), frame("first\nsecond\n"), b"after\n".to_vec()].concat();
        assert_eq!(messages(&data, false), ["before", "first\nsecond", "after"]);
    }

    #[test]
    fn a_frame_that_came_in_part_waits() {
        let whole = frame("text");
        for length in 1..whole.len() {
            assert!(messages(&whole[..length], false).is_empty(), "{length}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let cut = messages(&vec![b'x'; MAX_LINE + 10], true);
        assert_eq!(cut.len(), 2);
        assert_eq!(cut[0].len(), MAX_LINE);
        let lying = [&FRAME[..], &[0xff; 12], &vec![b'y'; MAX_LINE + 5]].concat();
        assert_eq!(messages(&lying, true).len(), 2);
    }
}
