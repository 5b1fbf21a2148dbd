//! Checks a request's signature, in its header or presigned in its query string.

use super::{
    ALGORITHM, AUTHORITY, Signer, UNSIGNED, canonical_request, chunked, parameter, parse_time, print_time, sha256_hex,
    text,
};
use crate::auth::{Credentials, KeyOwner, LookupError, Scope, session_token};
use crate::query;
use bytes::Bytes;
use fogbank_model::Timestamp;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::time::Duration;

/// How far a request's time may be from ours.
const SKEW: Duration = Duration::from_secs(15 * 60);
/// How long a presigned request may be valid: seven days.
const LONGEST_EXPIRY: u64 = 7 * 24 * 3600;

/// Why a request is not authenticated. The text is for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is not signed.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// A part of the signature is missing or cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// The key or session token is not known here.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The session token is of the past.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The time is not near ours, or a presigned request's time is over.
    #[error("{0}")]
    Time(String),
    /// The signature is not what the key and the request give.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and \
         signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The body is not the one that was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Body,
}

/// A request that was signed with a key of ours.
pub(crate) struct Verified {
    pub owner: KeyOwner,
    /// The body without its chunks' framing, if it had one.
    pub unchunked: Option<Bytes>,
}

/// What the signature's parts say, wherever they stand.
struct Claim {
    scope: Scope,
    time: String,
    signed_headers: String,
    signature: String,
    payload_hash: Option<String>,
    /// Seconds, for a presigned request.
    expires: Option<u64>,
}

/// Checks the request that `head` and `body` are. `service` is the signing name of the service that it was recognised as.
pub(crate) fn verify(
    head: &Parts,
    body: &Bytes,
    service: &str,
    keys: &dyn Credentials,
    now: Timestamp,
) -> Result<Verified, Refused> {
    let parameters = query::pairs(head.uri.query().unwrap_or_default().as_bytes());
    let claim = if head.headers.contains_key(AUTHORIZATION) {
        header_claim(head)?
    } else if parameter(&parameters, "X-Amz-Algorithm").is_some() {
        query_claim(head, &parameters)?
    } else {
        return Err(Refused::Missing);
    };
    check_scope(&claim, service)?;
    check_time(&claim, now)?;
    check_signed_headers(head, &claim)?;
    let token = session_token(&head.headers, &parameters);
    let owner = keys.lookup(claim.scope.access_key_id(), token).map_err(|why| match why {
        LookupError::Invalid => Refused::UnknownKey,
        LookupError::Expired => Refused::ExpiredToken,
    })?;

    let s3 = service == "s3";
    let computed;
    let payload_hash = match claim.payload_hash.as_deref() {
        Some(hash) => hash,
        None if s3 && claim.expires.is_some() => UNSIGNED,
        None => {
            computed = sha256_hex(body);
            &computed
        }
    };
    let canonical = canonical_request(head, &claim.signed_headers, payload_hash, s3);
    let signer = Signer::new(&owner.secret, &claim.time, claim.scope.region(), claim.scope.service());
    let expected = signer.signature(ALGORITHM, &[&sha256_hex(canonical.as_bytes())]);
    if !same(&expected, &claim.signature) {
        return Err(Refused::Mismatch);
    }
    let unchunked = check_payload(payload_hash, head, body, &signer, &claim.signature)?;
    Ok(Verified { owner, unchunked })
}

/// Compares in a time that does not tell where the difference is.
pub(super) fn same(expected: &[u8; 32], given: &str) -> bool {
    let mut bytes = [0u8; 32];
    let decoded = hex::decode_to_slice(given, &mut bytes).is_ok();
    let difference = expected.iter().zip(&bytes).fold(0u8, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    decoded && difference == 0
}

fn header_claim(head: &Parts) -> Result<Claim, Refused> {
    let header = text(&head.headers, AUTHORIZATION.as_str()).unwrap_or_default();
    // Another scheme's header says nothing of who is calling.
    if !header.starts_with("AWS4-") {
        return Err(Refused::Missing);
    }
    let (_, rest) = header.split_once(' ').unwrap_or((header, ""));
    let part = |name: &str| {
        let parts = rest.split(',').map(str::trim);
        parts.filter_map(|part| part.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let date = text(&head.headers, "x-amz-date").or_else(|| text(&head.headers, "date"));
    let parts = (part("Credential"), part("Signature"), part("SignedHeaders"), date);
    let (Some(credential), Some(signature), Some(signed_headers), Some(time)) = parts else {
        return Err(missing_parts(header, parts));
    };
    if !header.starts_with(ALGORITHM) {
        return Err(Refused::Incomplete(format!(
            "Unsupported AWS 'algorithm': the Authorization header must begin with {ALGORITHM}."
        )));
    }
    Ok(Claim {
        scope: Scope::parse(credential).ok_or_else(malformed_credential)?,
        signed_headers: signed_headers.to_ascii_lowercase(),
        signature: signature.into(),
        time: time.into(),
        payload_hash: text(&head.headers, "x-amz-content-sha256").map(str::to_owned),
        expires: None,
    })
}

/// A part of a signature, if it is there.
type Given<'h> = Option<&'h str>;

/// A sentence for each part that is not there, and the header itself.
fn missing_parts(
    header: &str,
    (credential, signature, signed_headers, date): (Given<'_>, Given<'_>, Given<'_>, Given<'_>),
) -> Refused {
    let parts = [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)];
    let missing = parts.iter().filter(|(_, part)| part.is_none());
    let mut why: Vec<String> =
        missing.map(|(name, _)| format!("Authorization header requires '{name}' parameter.")).collect();
    if date.is_none() {
        why.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into());
    }
    Refused::Incomplete(format!("{} Authorization={header}", why.join(" ")))
}

fn malformed_credential() -> Refused {
    Refused::Incomplete(
        "Credential must have at least 5 slash-delimited elements: KEY/DATE/REGION/SERVICE/aws4_request.".into(),
    )
}

fn query_claim(head: &Parts, parameters: &query::Pairs) -> Result<Claim, Refused> {
    let required = |name: &str| {
        parameter(parameters, name)
            .ok_or_else(|| Refused::Incomplete(format!("AWS query-string parameters must include '{name}'.")))
    };
    if required("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Refused::Incomplete(format!("X-Amz-Algorithm must be {ALGORITHM}.")));
    }
    let expires = required("X-Amz-Expires")?.parse().ok().filter(|seconds| *seconds <= LONGEST_EXPIRY);
    let expires = expires
        .ok_or_else(|| Refused::Incomplete("X-Amz-Expires must be a number of at most 604800 seconds.".into()))?;
    Ok(Claim {
        scope: Scope::parse(required("X-Amz-Credential")?).ok_or_else(malformed_credential)?,
        time: required("X-Amz-Date")?.into(),
        signed_headers: required("X-Amz-SignedHeaders")?.to_ascii_lowercase(),
        signature: required("X-Amz-Signature")?.into(),
        payload_hash: text(&head.headers, "x-amz-content-sha256").map(str::to_owned),
        expires: Some(expires),
    })
}

fn check_scope(claim: &Claim, service: &str) -> Result<(), Refused> {
    if claim.scope.service() != service {
        return Err(Refused::Time(format!("Credential should be scoped to correct service: '{service}'.")));
    }
    if !claim.time.starts_with(claim.scope.date()) || claim.scope.date().len() != 8 {
        let (date, time) = (claim.scope.date(), &claim.time);
        return Err(Refused::Time(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{time}'."
        )));
    }
    Ok(())
}

fn check_time(claim: &Claim, now: Timestamp) -> Result<(), Refused> {
    let malformed = || Refused::Incomplete("Date must be in ISO-8601 'basic format'.".into());
    let at = parse_time(&claim.time).ok_or_else(malformed)?;
    let valid = claim.expires.map_or(SKEW, Duration::from_secs);
    let (time, ours) = (&claim.time, print_time(now));
    if at.plus(valid) < now {
        let limit = print_time(Timestamp(now.0 - i64::try_from(valid.as_millis()).unwrap_or(0)));
        return Err(Refused::Time(format!(
            "Signature expired: {time} is now earlier than {limit} ({ours} - {} min.)",
            valid.as_secs() / 60
        )));
    }
    if at > now.plus(SKEW) {
        let limit = print_time(now.plus(SKEW));
        return Err(Refused::Time(format!(
            "Signature not yet current: {time} is still later than {limit} ({ours} + 15 min.)"
        )));
    }
    Ok(())
}

/// The host and everything that gives the request another meaning must be signed.
fn check_signed_headers(head: &Parts, claim: &Claim) -> Result<(), Refused> {
    let signed: Vec<&str> = claim.signed_headers.split(';').collect();
    if !signed.contains(&"host") && !signed.contains(&AUTHORITY) {
        return Err(Refused::Incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.".into()));
    }
    let unsigned =
        head.headers.keys().find(|name| name.as_str().starts_with("x-amz-") && !signed.contains(&name.as_str()));
    match unsigned {
        Some(name) => Err(Refused::Incomplete(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))),
        None => Ok(()),
    }
}

fn check_payload(
    payload_hash: &str,
    head: &Parts,
    body: &Bytes,
    signer: &Signer,
    seed: &str,
) -> Result<Option<Bytes>, Refused> {
    if chunked::is_chunked(&head.headers) {
        return chunked::decode(&head.headers, body, Some((signer, seed))).map(Some);
    }
    match payload_hash {
        UNSIGNED => Ok(None),
        hash if hash == sha256_hex(body) => Ok(None),
        _ => Err(Refused::Body),
    }
}
