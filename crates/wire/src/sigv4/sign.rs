//! Signs requests: for our own client, the command line.

use super::{ALGORITHM, Signer, canonical_request, print_time, sha256_hex};
use bytes::Bytes;
use fogbank_model::Timestamp;
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{Request, uri::Authority};

/// An access key to sign with.
#[derive(Clone)]
pub struct SigningKey {
    /// Such as `AKIA…`.
    pub access_key_id: String,
    /// Its secret.
    pub secret: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
}

/// Signs `request` for `service` in `region` at the time `now`, replacing what signature it had. Every header that it has by then
/// is signed but `user-agent`; the `Host` is taken from the URI if there is none.
///
/// # Errors
/// When a name or key holds characters that no header can carry.
pub fn sign(
    request: &mut Request<Bytes>,
    key: &SigningKey,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), http::Error> {
    let time = print_time(now);
    let hash = sha256_hex(request.body());
    let authority = request.uri().authority().map(Authority::as_str).unwrap_or_default().to_owned();
    let headers = request.headers_mut();
    headers.remove(AUTHORIZATION);
    if !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_str(&authority)?);
    }
    headers.insert(HeaderName::from_static("x-amz-date"), HeaderValue::from_str(&time)?);
    headers.insert(HeaderName::from_static("x-amz-content-sha256"), HeaderValue::from_str(&hash)?);
    if let Some(token) = &key.session_token {
        headers.insert(HeaderName::from_static("x-amz-security-token"), HeaderValue::from_str(token)?);
    }
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).filter(|name| *name != "user-agent").collect();
    names.sort_unstable();
    let signed = names.join(";");
    let (head, body) = std::mem::take(request).into_parts();
    let canonical = canonical_request(&head, &signed, &hash, service == "s3");
    *request = Request::from_parts(head, body);
    let signer = Signer::new(&key.secret, &time, region, service);
    let signature = hex::encode(signer.signature(ALGORITHM, &[&sha256_hex(canonical.as_bytes())]));
    let (id, scope) = (&key.access_key_id, &signer.scope);
    let header = format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(&header)?);
    Ok(())
}
