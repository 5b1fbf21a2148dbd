//! Texts with `*` in them, which stands for any characters; `\*` and `\\` stand for themselves.

use super::InvalidPattern;
use fogbank_model::matches_parts;

/// The texts between the wildcards.
#[derive(Debug, Clone)]
pub(super) struct Wildcard(Vec<String>);

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
        Ok(Self(parts))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches_parts(self.0.iter().map(String::as_str), text)
    }
}
