//! Answers compressed with gzip, for clients that ask for it (RFC 9110, 12.5.3).

use crate::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use std::io::{self, Write};

/// Bodies below this, in bytes, are sent as they are: packing would take longer than sending. AWS does so too, and does not say where it begins.
const LEAST: usize = 8 * 1024;

/// Whether a client names gzip among what it takes. A client that takes anything (`*`) did not ask for it.
pub(crate) fn accepts_gzip(headers: &HeaderMap<HeaderValue>) -> bool {
    let listed = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|value| value.split(',')).any(names_gzip)
}

fn names_gzip(element: &str) -> bool {
    let (coding, weight) = element.split_once(';').unwrap_or((element, ""));
    let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
    coding.trim().eq_ignore_ascii_case("gzip") && weight != Some(0.0)
}

/// Compresses the body of `response`, unless it is small, comes in pieces, or is encoded already.
pub(crate) async fn compress(response: &mut Response<Body>) {
    let Body::Full(body) = response.body() else { return };
    if body.len() < LEAST || response.headers().contains_key(CONTENT_ENCODING) {
        return;
    }
    let plain = body.clone();
    // Megabytes take milliseconds, in which others want to be answered.
    let packed = tokio::task::spawn_blocking(move || gzip(&plain)).await;
    let Ok(Ok(packed)) = packed else { return };
    *response.body_mut() = Body::Full(packed);
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
}

fn gzip(plain: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn gzip_is_asked_for_by_its_name() {
        let asks = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            accepts_gzip(&headers)
        };
        for value in ["gzip", "GZIP", "deflate, gzip", "gzip;q=0.5, identity", "br , gzip ; q=1"] {
            assert!(asks(value), "{value}");
        }
        for value in ["", "identity", "*", "deflate", "gzip;q=0", "gzip; q=0.0", "gzipped"] {
            assert!(!asks(value), "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn only_what_is_large_and_whole_and_plain_is_compressed() {
        let large = Bytes::from("{\"a\": 1}".repeat(LEAST));
        let mut response = Response::new(Body::Full(large.clone()));
        compress(&mut response).await;
        assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
        let Body::Full(packed) = response.body() else { panic!("not a whole body") };
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut read).unwrap();
        assert!(read == large && packed.len() < large.len());

        let (again, first) = (packed.clone(), &mut response);
        compress(first).await;
        assert!(matches!(first.body(), Body::Full(body) if *body == again));
        let (_, pieces) = tokio::sync::mpsc::channel(1);
        for body in [Body::Full(large.slice(..LEAST - 1)), Body::Stream(pieces)] {
            let mut response = Response::new(body);
            compress(&mut response).await;
            assert!(response.headers().is_empty());
        }
    }
}
