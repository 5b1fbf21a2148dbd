//! Bodies in `aws-chunked` encoding: pieces that are each signed, or unsigned pieces with trailing headers.
//! (Amazon S3 API reference, "Signature calculations for the Authorization header: transferring payload in multiple chunks".)

use super::verify::{Refused, same};
use super::{Signer, sha256_hex, text};
use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_WITH_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_WITH_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// The longest line between the pieces, in bytes.
const LONGEST_LINE: usize = 8192;

/// Whether a body is framed in chunks of its own, under those of HTTP.
pub(crate) fn is_chunked(headers: &HeaderMap) -> bool {
    let hash = text(headers, "x-amz-content-sha256").unwrap_or_default();
    [SIGNED, SIGNED_WITH_TRAILER, UNSIGNED_WITH_TRAILER].contains(&hash)
}

/// Takes the framing off. With a signer and the request's own signature, every piece's signature is checked.
pub(crate) fn decode(headers: &HeaderMap, body: &Bytes, signed: Option<(&Signer, &str)>) -> Result<Bytes, Refused> {
    let mode = text(headers, "x-amz-content-sha256").unwrap_or_default();
    let mut rest = body.clone();
    let mut chain = signed.filter(|_| mode != UNSIGNED_WITH_TRAILER).map(|(signer, seed)| (signer, seed.to_owned()));
    let mut whole = BytesMut::new();
    loop {
        let line = take_line(&mut rest)?;
        let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| malformed())?;
        if rest.len() < size {
            return Err(malformed());
        }
        let piece = rest.split_to(size);
        if let Some((signer, previous)) = &mut chain {
            let given = extension.trim().strip_prefix("chunk-signature=").ok_or(Refused::Mismatch)?;
            let hashes = [previous.as_str(), &sha256_hex(b""), &sha256_hex(&piece)];
            if !same(&signer.signature("AWS4-HMAC-SHA256-PAYLOAD", &hashes), given) {
                return Err(Refused::Mismatch);
            }
            *previous = given.to_owned();
        }
        if size == 0 {
            break;
        }
        if !rest.starts_with(b"\r\n") {
            return Err(malformed());
        }
        rest.advance(2);
        whole.extend_from_slice(&piece);
    }
    check_trailer(&mut rest, chain.filter(|_| mode == SIGNED_WITH_TRAILER))?;
    let announced = text(headers, "x-amz-decoded-content-length").and_then(|length| length.parse::<usize>().ok());
    match announced {
        Some(length) if length != whole.len() => Err(malformed()),
        _ => Ok(whole.freeze()),
    }
}

fn malformed() -> Refused {
    Refused::Incomplete("The body is not in the chunked encoding that x-amz-content-sha256 announces.".into())
}

/// The text up to the next line end, which is taken too.
fn take_line(rest: &mut Bytes) -> Result<String, Refused> {
    let window = rest.get(..rest.len().min(LONGEST_LINE)).unwrap_or_default();
    let end = window.windows(2).position(|pair| pair == b"\r\n").ok_or_else(malformed)?;
    let line = rest.split_to(end);
    rest.advance(2);
    String::from_utf8(line.into()).map_err(|_| malformed())
}

/// Reads the headers after the last piece, and checks their signature if they have one.
fn check_trailer(rest: &mut Bytes, chain: Option<(&Signer, String)>) -> Result<(), Refused> {
    let (mut trailer, mut given) = (String::new(), None);
    while !rest.is_empty() {
        let line = take_line(rest)?;
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "x-amz-trailer-signature" => given = Some(value.trim().to_owned()),
            name => trailer.push_str(&format!("{name}:{}\n", value.trim())),
        }
    }
    let Some((signer, previous)) = chain else { return Ok(()) };
    let expected = signer.signature("AWS4-HMAC-SHA256-TRAILER", &[&previous, &sha256_hex(trailer.as_bytes())]);
    match given {
        Some(given) if same(&expected, &given) => Ok(()),
        _ => Err(Refused::Mismatch),
    }
}
