//! Requests whose signature nobody checks: it is taken off before `s3s` sees them, and with it the framing that it put into the body.

use bytes::{Bytes, BytesMut};
use fogbank_model::Timestamp;
use futures_core::Stream;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use s3s::stream::{ByteStream, DynByteStream, RemainingLength};
use s3s::{Body, S3Error, S3ErrorCode, S3Result, StdError};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Headers that come behind a body.
pub(super) type Trailers = Arc<Mutex<Option<HeaderMap>>>;

/// The parameters of signatures in query strings, of both versions.
const SIGNATURE: [&str; 10] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "awsaccesskeyid",
    "signature",
    "x-amz-content-sha256",
];
/// The longest line between the pieces of a framed body, in bytes.
const LONGEST_LINE: usize = 8192;

fn parameters(head: &Parts) -> impl Iterator<Item = (&str, &str)> {
    let query = head.uri.query().unwrap_or_default();
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn parameter<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    parameters(head).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Refuses a presigned request whose time is over.
pub(super) fn check_expiry(head: &Parts, now: Timestamp) -> S3Result<()> {
    let seconds = now.0.div_euclid(1000);
    let by_version_4 = || {
        let (date, lasts) = (parameter(head, "X-Amz-Date")?, parameter(head, "X-Amz-Expires")?);
        Some(basic_time(date)? + lasts.parse::<i64>().ok()?)
    };
    let by_version_2 = || parameter(head, "AWSAccessKeyId").and(parameter(head, "Expires")?.parse::<i64>().ok());
    match by_version_4().or_else(by_version_2) {
        Some(end) if end < seconds => Err(S3Error::with_message(S3ErrorCode::AccessDenied, "Request has expired")),
        _ => Ok(()),
    }
}

/// Seconds since 1970 of `20150830T123600Z`.
fn basic_time(text: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    Some(time::PrimitiveDateTime::parse(text, format).ok()?.assume_utc().unix_timestamp())
}

/// Takes the signature off.
pub(super) fn strip(head: &mut Parts, body: Body, trailers: Trailers) -> S3Result<Body> {
    head.headers.remove(AUTHORIZATION);
    if head.uri.query().is_some() {
        let is_version_2 = parameter(head, "AWSAccessKeyId").is_some();
        let is_kept = |key: &str| {
            let key = key.to_ascii_lowercase();
            !(SIGNATURE.contains(&key.as_str()) || is_version_2 && key == "expires")
        };
        let kept: Vec<String> = parameters(head)
            .filter(|(key, _)| is_kept(key))
            .map(|(key, value)| if value.is_empty() { key.to_owned() } else { format!("{key}={value}") })
            .collect();
        let path = head.uri.path();
        let rebuilt = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
        head.uri =
            rebuilt.parse::<Uri>().map_err(|error| S3Error::with_source(S3ErrorCode::InvalidURI, error.into()))?;
    }
    let hash = head.headers.remove("x-amz-content-sha256");
    let is_framed = hash.is_some_and(|hash| hash.as_bytes().starts_with(b"STREAMING-"));
    if !is_framed {
        return Ok(body);
    }
    let length = head.headers.get("x-amz-decoded-content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    let length: u64 = length.ok_or_else(|| S3Error::new(S3ErrorCode::MissingContentLength))?;
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    let stream: DynByteStream = Box::pin(Unframed {
        inner: body,
        buffer: BytesMut::new(),
        state: State::Line,
        left: length,
        trailers,
        collected: HeaderMap::new(),
    });
    Ok(Body::from(stream))
}

/// Makes headers of the parameters that presigned requests carry in their place, and forgets the framing's content encoding.
pub(super) fn lower(head: &mut Parts) {
    let signed: Vec<(String, String)> = parameters(head)
        .map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()))
        .filter(|(key, _)| key.starts_with("x-amz-") && !SIGNATURE.contains(&key.as_str()))
        .collect();
    for (key, value) in signed {
        let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value))
            && !head.headers.contains_key(&name)
        {
            head.headers.insert(name, value);
        }
    }
}

/// The content encoding of a body without the framing of signatures.
pub(super) fn content_encoding(given: Option<String>) -> Option<String> {
    let given = given?;
    let kept: Vec<&str> =
        given.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "aws-chunked").collect();
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The length of a piece comes.
    Line,
    /// So many bytes of a piece come.
    Piece(usize),
    /// The end of a piece's line comes.
    PieceEnd,
    /// Trailing headers come.
    Trailers,
    Done,
}

/// The most bytes that a form's fields before its file may have.
const MOST_FIELDS: usize = 1024 * 1024;

/// What a form says of its file.
pub(super) type FileName = Arc<Mutex<Option<String>>>;

/// Has the name of a form's file read as it passes. Where signatures are not checked, `hides_signature` takes it out of the way.
pub(super) fn read_form(head: &Parts, body: Body, hides_signature: bool, file_name: FileName) -> Body {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if head.method != Method::POST || !kind.starts_with("multipart/form-data") {
        return body;
    }
    let stream: DynByteStream =
        Box::pin(Form { inner: body, fields: Some(BytesMut::new()), hides_signature, file_name });
    Body::from(stream)
}

/// The name of the file whose part begins within `text`.
fn file_name(text: &[u8]) -> Option<String> {
    let rest = text.get(find(text, b"filename=\"")? + 10..)?;
    let name = rest.get(..rest.iter().position(|byte| *byte == b'"')?)?;
    // Some browsers send the whole path.
    let name = String::from_utf8_lossy(name);
    Some(name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned())
}

/// A form whose signature may get a name under which nobody looks for it. Fields that begin with `x-ignore-` need not be in the form's policy.
struct Form {
    inner: Body,
    /// What came before the file, as long as that has not begun.
    fields: Option<BytesMut>,
    hides_signature: bool,
    file_name: FileName,
}

/// Finds `wanted`, in any case.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part.eq_ignore_ascii_case(wanted))
}

fn rename(fields: &mut [u8]) {
    let names: [(&[u8], &[u8]); 2] =
        [(b"name=\"signature\"", b"name=\"x-ignore-\""), (b"name=\"x-amz-signature\"", b"name=\"x-ignore-amazon\"")];
    for (name, other) in names {
        if let Some(place) = find(fields, name).and_then(|at| fields.get_mut(at..at + other.len())) {
            place.copy_from_slice(other);
        }
    }
}

impl Stream for Form {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let next = ready!(Pin::new(&mut this.inner).poll_next(cx));
            let Some(fields) = &mut this.fields else { return Poll::Ready(next) };
            let is_last = match next {
                Some(Ok(more)) => {
                    fields.extend_from_slice(&more);
                    false
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => true,
            };
            let file = find(fields, b"name=\"file\"").and_then(|at| fields.get(at..));
            // The head of the file's part must be whole.
            let has_file = file.is_some_and(|file| find(file, b"\r\n").is_some());
            if is_last || fields.len() > MOST_FIELDS || has_file {
                *this.file_name.lock().unwrap_or_else(PoisonError::into_inner) = file.and_then(file_name);
                if this.hides_signature {
                    rename(fields);
                }
                let fields = std::mem::take(fields).freeze();
                this.fields = None;
                return Poll::Ready(Some(Ok(fields)));
            }
        }
    }
}

impl ByteStream for Form {}

/// A body without its framing: `LENGTH[;chunk-signature=…]`, the piece, and so on, a piece of no length, and trailing headers.
struct Unframed {
    inner: Body,
    buffer: BytesMut,
    state: State,
    left: u64,
    trailers: Trailers,
    collected: HeaderMap,
}

fn malformed() -> StdError {
    "the chunks of the body are malformed".into()
}

impl Unframed {
    fn take_line(&mut self) -> Result<Option<String>, StdError> {
        let Some(at) = self.buffer.windows(2).position(|pair| pair == b"\r\n") else {
            return if self.buffer.len() > LONGEST_LINE { Err(malformed()) } else { Ok(None) };
        };
        let line = self.buffer.split_to(at + 2);
        Ok(Some(String::from_utf8_lossy(line.get(..at).unwrap_or_default()).into_owned()))
    }

    /// What the buffer holds next; `None` if more must come first.
    fn step(&mut self) -> Result<Option<Bytes>, StdError> {
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Piece(left) => {
                    if self.buffer.is_empty() {
                        return Ok(None);
                    }
                    let length = left.min(self.buffer.len());
                    let piece = self.buffer.split_to(length).freeze();
                    self.state = if length == left { State::PieceEnd } else { State::Piece(left - length) };
                    self.left = self.left.checked_sub(length as u64).ok_or_else(malformed)?;
                    return Ok(Some(piece));
                }
                State::PieceEnd => match self.take_line()? {
                    None => return Ok(None),
                    Some(line) if line.is_empty() => self.state = State::Line,
                    Some(_) => return Err(malformed()),
                },
                State::Line => {
                    let Some(line) = self.take_line()? else { return Ok(None) };
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let size = usize::from_str_radix(size, 16).map_err(|_| malformed())?;
                    self.state = if size == 0 { State::Trailers } else { State::Piece(size) };
                }
                State::Trailers => {
                    let Some(line) = self.take_line()? else { return Ok(None) };
                    let Some((name, value)) = line.split_once(':') else {
                        self.finish();
                        return Ok(None);
                    };
                    let name = HeaderName::try_from(name.trim().to_ascii_lowercase());
                    if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.trim())) {
                        self.collected.insert(name, value);
                    }
                }
            }
        }
    }

    fn finish(&mut self) {
        self.state = State::Done;
        let collected = std::mem::take(&mut self.collected);
        *self.trailers.lock().unwrap_or_else(PoisonError::into_inner) = Some(collected);
    }
}

impl Stream for Unframed {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match self.step() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) if self.state == State::Done => {}
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            match ready!(Pin::new(&mut self.inner).poll_next(cx)) {
                Some(Ok(more)) if self.state != State::Done => self.buffer.extend_from_slice(&more),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                // Some clients leave out the last empty line.
                None if self.state == State::Trailers => self.finish(),
                None if self.state == State::Done && self.left == 0 => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err("the body is incomplete".into()))),
            }
        }
    }
}

impl ByteStream for Unframed {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.left).unwrap_or(usize::MAX))
    }
}
