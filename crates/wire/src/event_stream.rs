//! Frames of `application/vnd.amazon.eventstream`, as `InvokeWithResponseStream` answers: a prelude with lengths and its checksum, headers,
//! the payload, and a checksum over all of it (the Smithy specification, "Amazon Event Stream").

use bytes::{BufMut, Bytes, BytesMut};

/// The header value type "string".
const STRING: u8 = 7;

/// A frame that carries the event `event_type` (such as `PayloadChunk`). `content_type` may be empty for an event without payload
/// members.
pub fn event_frame(event_type: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = vec![(":event-type", event_type), (":message-type", "event")];
    if !content_type.is_empty() {
        headers.insert(1, (":content-type", content_type));
    }
    frame(&headers, payload)
}

/// A frame that ends the stream with the modelled exception `exception_type`.
pub(crate) fn exception_frame(exception_type: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let headers =
        [(":exception-type", exception_type), (":content-type", content_type), (":message-type", "exception")];
    frame(&headers, payload)
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let headers_len: usize = headers.iter().map(|(name, value)| 1 + name.len() + 1 + 2 + value.len()).sum();
    let total = 12 + headers_len + payload.len() + 4;
    let mut out = BytesMut::with_capacity(total);
    out.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    out.put_u32(u32::try_from(headers_len).unwrap_or(u32::MAX));
    let prelude = crc32fast::hash(&out);
    out.put_u32(prelude);
    for (name, value) in headers {
        out.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        out.put_slice(name.as_bytes());
        out.put_u8(STRING);
        out.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        out.put_slice(value.as_bytes());
    }
    out.put_slice(payload);
    let whole = crc32fast::hash(&out);
    out.put_u32(whole);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_without_headers_is_the_specifications() {
        // The specification's example of an empty message.
        assert_eq!(hex::encode(frame(&[], b"")), "000000100000000005c248eb7d98c8ff");
    }

    #[test]
    fn a_frame_holds_its_headers_payload_and_checksums() {
        let bytes = event_frame("PayloadChunk", "application/octet-stream", b"hello");
        let length = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        assert_eq!(length(0) as usize, bytes.len());
        assert_eq!(length(8), crc32fast::hash(&bytes[..8]));
        let end = bytes.len() - 4;
        assert_eq!(length(end), crc32fast::hash(&bytes[..end]));
        assert_eq!(&bytes[12 + length(4) as usize..end], b"hello");
    }
}
