//! An HTTP/1.1 client that costs as little as possible, so that it does not measure itself: one connection kept open, requests made once as bytes.
//! Whoever has one connection waits in [`Connection::call`]; `drive.rs` has many, and waits for all of them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A call that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request without a body, as a browser or a health check sends it.
pub fn get(path: &str, host: impl ToString) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", host.to_string()).into()
}

/// A request in full. It carries what the AWS clients always send, a signature, which nobody checks while authentication is off.
pub fn request(method: &str, path: &str, host: impl ToString, body: &str) -> Vec<u8> {
    let (host, length) = (host.to_string(), body.len());
    let credential = "Credential=test/20260101/us-east-1/lambda/aws4_request";
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         X-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// A request in AWS's JSON protocol, signed as [`request`]'s.
pub fn aws_json(service: &str, target: &str, host: impl ToString, body: &str) -> Vec<u8> {
    let (host, length) = (host.to_string(), body.len());
    let credential = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
    let version = if matches!(service, "sqs" | "dynamodb") { "1.0" } else { "1.1" };
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-{version}\r\nContent-Length: {length}\r\n\
         X-Amz-Target: {target}\r\nX-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The head of a request whose body of `length` bytes is not signed.
pub fn unsigned(service: &str, method: &str, path: &str, host: impl ToString, length: usize) -> Vec<u8> {
    let host = host.to_string();
    let credential = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\n\
         X-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00\r\n\r\n"
    );
    head.into()
}

/// An answer.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body for a message.
    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// What an answer begins with.
struct Head {
    status: u16,
    /// Bytes up to the body.
    size: usize,
    length: Option<usize>,
    is_chunked: bool,
    closes: bool,
}

impl Head {
    /// The head at the beginning of `bytes`, if it is whole.
    fn of(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let wrong = || io::Error::other(format!("not an HTTP answer: {}", String::from_utf8_lossy(&bytes[..end])));
        let mut lines = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong())?.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(wrong)?;
        let mut head = Self { status, size: end + 4, length: None, is_chunked: false, closes: false };
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name.len() {
                14 if name.eq_ignore_ascii_case("content-length") => head.length = value.parse().ok(),
                17 if name.eq_ignore_ascii_case("transfer-encoding") => head.is_chunked = value == "chunked",
                10 if name.eq_ignore_ascii_case("connection") => head.closes = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(Some(head))
    }
}

/// A connection that is kept open, unless the server closes it after each answer.
pub struct Connection {
    address: SocketAddr,
    is_closed: bool,
    stream: TcpStream,
    /// What was read, and room for more.
    buffer: Vec<u8>,
    /// How much of the buffer was read and not used yet.
    filled: usize,
}

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address, is_closed: false, stream, buffer: vec![0; 65_536], filled: 0 })
    }

    /// Sends `request` and waits for the whole answer.
    pub fn call(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request)?;
        self.receive()
    }

    /// Sends `request`, over a new connection if the server has closed this one.
    pub fn send(&mut self, request: &[u8]) -> io::Result<()> {
        if self.is_closed {
            *self = Self::open(self.address)?;
        }
        self.stream.write_all(request)
    }

    /// Waits for the whole answer to what was sent.
    pub fn receive(&mut self) -> io::Result<Answer> {
        let head = loop {
            match Head::of(self.read())? {
                Some(head) => break head,
                None => self.fill()?,
            }
        };
        self.is_closed = head.closes;
        let body = match head.length {
            Some(length) if head.size + length == self.filled => {
                self.filled = 0;
                self.buffer[head.size..head.size + length].to_vec()
            }
            length => {
                self.take(head.size)?;
                self.body(length, head.is_chunked)?
            }
        };
        Ok(Answer { status: head.status, body })
    }

    fn body(&mut self, length: Option<usize>, is_chunked: bool) -> io::Result<Vec<u8>> {
        match length {
            Some(length) => self.take(length),
            None if is_chunked => self.chunks(),
            None => Ok(Vec::new()),
        }
    }

    /// Whether the server has said that it closes this connection.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                match self.read().windows(2).position(|window| window == b"\r\n") {
                    Some(end) => break self.take(end + 2)?,
                    None => self.fill()?,
                }
            };
            let length = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).map_err(io::Error::other)?;
            let chunk = self.take(length + 2)?;
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }

    fn read(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let ready = length.min(self.filled);
        let mut taken = Vec::with_capacity(length);
        taken.extend_from_slice(&self.buffer[..ready]);
        self.buffer.copy_within(ready..self.filled, 0);
        self.filled -= ready;
        // A large body goes where it stays at once.
        (&self.stream).take((length - ready) as u64).read_to_end(&mut taken)?;
        if taken.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(taken) }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.filled += length;
                Ok(())
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
