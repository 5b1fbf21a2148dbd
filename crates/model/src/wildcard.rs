//! Texts with `*` in them, which stands for any characters: in lists of senders, policies, filters, rules.

/// Whether `text` matches `pattern`. All its characters but `*` stand for themselves.
pub fn matches_wildcard(pattern: &str, text: &str) -> bool {
    matches_parts(pattern.split('*'), text)
}

/// Whether `text` matches a pattern that was taken apart at its wildcards, by somebody whose language can escape them.
///
/// Takes each part where it is found first: that leaves most for the others, so nothing is tried twice.
pub fn matches_parts<'p>(parts: impl IntoIterator<Item = &'p str, IntoIter: DoubleEndedIterator>, text: &str) -> bool {
    let mut parts = parts.into_iter();
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return text == first };
    let Some(mut rest) = text.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    parts.all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_for_none() {
        for (pattern, text, does) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a*b*b", "ab", false),
            ("a**b", "a-b", true),
            ("ab*ba", "aba", false),
            ("*grüße*", "viele grüße!", true),
        ] {
            assert_eq!(matches_wildcard(pattern, text), does, "{pattern} {text}");
        }
    }

    #[test]
    fn parts_may_hold_stars_themselves() {
        assert!(matches_parts(["a*", "c"], "a*bc"));
        assert!(!matches_parts(["a*", "c"], "abc"));
        assert!(!matches_parts([], "a") && matches_parts([], ""));
    }
}
