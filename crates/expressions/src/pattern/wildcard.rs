//! Texts with `*` in them, which stands for any characters; `\*` and `\\` stand for themselves.

use super::InvalidPattern;

/// The texts between the wildcards.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    first: String,
    middle: Vec<String>,
    /// `None` if there is no wildcard.
    last: Option<String>,
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let mut parts = vec![String::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            match (c, next) {
                ('*', Some('*')) => {
                    return Err(InvalidPattern(format!("Consecutive wildcard characters at pos {}", at + 1)));
                }
                ('*', _) => parts.push(String::new()),
                ('\\', Some(next @ ('*' | '\\'))) => {
                    chars.next();
                    parts.last_mut().into_iter().for_each(|part| part.push(next));
                }
                ('\\', _) => return Err(InvalidPattern(format!("Invalid escape character at pos {}", at + 1))),
                (c, _) => parts.last_mut().into_iter().for_each(|part| part.push(c)),
            }
        }
        let last = (parts.len() > 1).then(|| parts.pop()).flatten();
        let first = parts.remove(0);
        Ok(Self { first, middle: parts, last })
    }

    /// Takes each part where it is found first: that leaves most for the others, so nothing is tried twice.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some(last) = &self.last else { return text == self.first };
        let rest = text.strip_prefix(self.first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
        let Some(mut rest) = rest else { return false };
        self.middle.iter().all(|part| match rest.find(part.as_str()) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}
