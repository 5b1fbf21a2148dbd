//! What tags may be ("Tagging restrictions in DynamoDB" in the Developer Guide). Whatever is wrong with one of them, none is set.

use crate::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Tags of one resource, and keys of one request.
const COUNT: usize = 50;
const KEY_LENGTH: usize = 128;
const VALUE_LENGTH: usize = 256;
/// Bytes that all keys and values of a resource may have together.
const BYTES: usize = 10 * 1024;

/// Checks the tags that a request gives.
pub(crate) fn check_given(tags: &[(String, String)]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        check_key(key)?;
        if value.chars().count() > VALUE_LENGTH || !value.chars().all(is_allowed) {
            return Err(Error::validation(format!("The Tag Value provided is invalid, Value: {value}")));
        }
        if !seen.insert(key) {
            return Err(Error::validation(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )));
        }
    }
    check_count(tags.len())
}

/// Checks the keys whose tags a request takes away.
pub(crate) fn check_keys(keys: &[String]) -> Result<(), Error> {
    keys.iter().try_for_each(|key| check_key(key))?;
    check_count(keys.len())
}

/// Checks all tags that a resource would have.
pub(crate) fn check_all(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    check_count(tags.len())?;
    let bytes: usize = tags.iter().map(|(key, value)| key.len() + value.len()).sum();
    match bytes > BYTES {
        true => Err(Error::validation(format!("Tag set size {bytes} bytes is above max size limit of {BYTES} bytes"))),
        false => Ok(()),
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if !(1..=KEY_LENGTH).contains(&key.chars().count()) || !key.chars().all(is_allowed) {
        return Err(Error::validation(format!("The Tag Key provided is invalid, Key: {key}")));
    }
    match key.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("aws:")) {
        true => Err(Error::validation(format!("Tag Key cannot be prefixed with aws:, Key: {key}"))),
        false => Ok(()),
    }
}

/// Letters and digits of all scripts, spaces of all kinds, and a little punctuation.
fn is_allowed(letter: char) -> bool {
    let is_space = letter.is_whitespace() && !letter.is_control();
    letter.is_alphanumeric() || is_space || "_.:/=+-@".contains(letter)
}

fn check_count(count: usize) -> Result<(), Error> {
    match count > COUNT {
        true => Err(Error::validation("Number of Tags exceed the current limit for the provided ResourceArn")),
        false => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(key: &str, value: &str) -> Option<String> {
        check_given(&[(key.into(), value.into())]).err().map(|error| error.to_string())
    }

    #[test]
    fn letters_of_all_scripts_are_allowed_and_little_else() {
        for good in ["ключ", "café", "表", "a\u{a0}b", "\u{3000}", " ", "a+b-c=d.e_f:g/h@i", "9"] {
            assert_eq!((refusal(good, ""), refusal("k", good)), (None, None), "{good}");
        }
        for bad in
            ["🔑", "100%", "a,b", "it's", "(x)", "a&b", "a*b", "a;b", "a?b", "a|b", "a\\b", "<a>", "~a", "#", "\t"]
        {
            assert_eq!(refusal(bad, ""), Some(format!("The Tag Key provided is invalid, Key: {bad}")));
            assert_eq!(refusal("k", bad), Some(format!("The Tag Value provided is invalid, Value: {bad}")));
        }
    }

    #[test]
    fn lengths_and_names_have_bounds() {
        assert_eq!(refusal(&"ж".repeat(128), &"ж".repeat(256)), None);
        assert!(refusal(&"k".repeat(129), "").unwrap().starts_with("The Tag Key provided is invalid, Key: kkk"));
        assert!(refusal("k", &"v".repeat(257)).unwrap().starts_with("The Tag Value provided is invalid, Value: vvv"));
        assert_eq!(refusal("", "v").unwrap(), "The Tag Key provided is invalid, Key: ");
        assert_eq!(refusal("AWS:foo", "v").unwrap(), "Tag Key cannot be prefixed with aws:, Key: AWS:foo");
        assert_eq!(refusal("myaws:foo", "v"), None);
    }

    #[test]
    fn a_resource_has_no_more_than_fifty_tags_and_ten_kilobytes() {
        let tags = |count: usize, length: usize| -> BTreeMap<String, String> {
            (0..count).map(|at| (format!("{at:04}"), "v".repeat(length))).collect()
        };
        assert_eq!(check_all(&tags(50, 200)), Ok(()));
        assert!(check_all(&tags(51, 1)).unwrap_err().to_string().starts_with("Number of Tags exceed"));
        let text = "Tag set size 10250 bytes is above max size limit of 10240 bytes";
        assert_eq!(check_all(&tags(50, 201)).unwrap_err().to_string(), text);
    }
}
