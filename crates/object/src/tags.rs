//! Tags of objects and buckets.

use crate::Error;
use percent_encoding::percent_decode_str;
use std::collections::BTreeSet;

/// The most tags of an object.
pub(crate) const OF_OBJECT: usize = 10;
/// The most tags of a bucket.
pub(crate) const OF_BUCKET: usize = 50;

/// Reads the header `x-amz-tagging`: tags in the form of a query string.
pub(crate) fn parse(header: &str) -> Result<Vec<(String, String)>, Error> {
    let invalid = || {
        Error::InvalidArgument {
        message: "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.".into(),
        name: "x-amz-tagging".into(),
        value: header.into(),
    }
    };
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8().map(|text| text.into_owned()).map_err(|_| invalid())
    };
    let mut tags = Vec::new();
    for pair in header.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        tags.push((decode(key)?, decode(value)?));
    }
    if tags.iter().map(|(key, _)| key).collect::<BTreeSet<_>>().len() != tags.len() {
        return Err(invalid());
    }
    check(&tags, OF_OBJECT)?;
    Ok(tags)
}

/// Whether `tags` are ones that something may have.
pub(crate) fn check(tags: &[(String, String)], most: usize) -> Result<(), Error> {
    if tags.len() > most {
        return Err(Error::BadRequest(match most {
            OF_OBJECT => "Object tags cannot be greater than 10",
            _ => "Bucket tag count cannot be greater than 50",
        }));
    }
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        if key.starts_with("aws:") {
            return Err(Error::InvalidTag("System tags cannot be added/updated by requester"));
        }
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(is_allowed) {
            return Err(Error::InvalidTag("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 || !value.chars().all(is_allowed) {
            return Err(Error::InvalidTag("The TagValue you have provided is invalid"));
        }
        if !seen.insert(key) {
            return Err(Error::InvalidTag("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(())
}

fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_header_holds_tags() {
        let tags = parse("a=b&c%20d=e%2Bf&g").unwrap();
        let expected = [("a", "b"), ("c d", "e+f"), ("g", "")];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(parse("a=1&a=2").is_err());
    }
}
