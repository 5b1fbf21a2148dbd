//! Reads one item of a line. What Ion can say and DynamoDB cannot (timestamps, symbols, floating point, unknown annotations) is no item.

use super::{BINARIES, MARKER, NUMBERS, STRINGS};
use crate::value::{Item, NESTING_LIMIT, item_from_wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fogbank_wire::Value as Wire;

/// The levels that a line may have: those of an item's values, and the two structures around them.
const LEVELS: usize = NESTING_LIMIT + 2;

/// The item of `{Item:{…}}`, if that is what the line says. The cost is the line's length.
pub fn read_item(line: &str) -> Option<Item> {
    let mut reader = Reader { rest: line };
    reader.skip_space()?;
    if let Some(rest) = reader.rest.strip_prefix(MARKER) {
        reader.rest = rest;
    }
    let members = reader.members(LEVELS)?;
    reader.skip_space()?;
    let Wire::Map(mut members) = members else { return None };
    let at = members.iter().position(|(name, _)| name == "Item").filter(|_| reader.rest.is_empty())?;
    let Wire::Map(mut value) = members.swap_remove(at).1 else { return None };
    match value.pop()? {
        (kind, content) if kind == "M" => item_from_wire(content).ok(),
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t str,
}

fn typed(kind: &str, content: Wire) -> Option<Wire> {
    Some(Wire::Map(vec![(kind.to_owned(), content)]))
}

impl<'t> Reader<'t> {
    /// Skips blanks and comments.
    fn skip_space(&mut self) -> Option<()> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("//") {
                self.rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(rest) = self.rest.strip_prefix("/*") {
                self.rest = rest.split_once("*/")?.1;
            } else {
                return Some(());
            }
        }
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    /// What is before the first letter that is not of a word.
    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// A value of at most `levels` levels, as the wire has it.
    fn value(&mut self, levels: usize) -> Option<Wire> {
        let below = levels.checked_sub(1)?;
        self.skip_space()?;
        match self.rest.chars().next()? {
            '{' if self.rest.starts_with("{{") => typed("B", self.blob()?),
            '{' => typed("M", self.members(below)?),
            '[' => typed("L", self.list(|reader| reader.value(below))?),
            '"' => typed("S", self.text()?.into()),
            '\'' if self.rest.starts_with("'''") => typed("S", self.text()?.into()),
            '0'..='9' | '-' => typed("N", self.decimal()?.into()),
            '$' | '\'' => self.set(),
            _ => match self.word(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.')) {
                "true" => typed("BOOL", true.into()),
                "false" => typed("BOOL", false.into()),
                word if word == "null" || word.starts_with("null.") => typed("NULL", true.into()),
                _ => None,
            },
        }
    }

    /// A list with the annotation of a set.
    fn set(&mut self) -> Option<Wire> {
        let annotation = self.symbol()?;
        self.skip_space()?;
        self.take("::")?;
        self.skip_space()?;
        match annotation.as_str() {
            STRINGS => typed("SS", self.list(|reader| reader.text().map(Wire::from))?),
            NUMBERS => typed("NS", self.list(|reader| reader.decimal().map(Wire::from))?),
            BINARIES => typed("BS", self.list(Self::blob)?),
            _ => None,
        }
    }

    /// What is between brackets.
    fn list(&mut self, one: impl Fn(&mut Self) -> Option<Wire>) -> Option<Wire> {
        self.take("[")?;
        let mut values = Vec::new();
        self.skip_space()?;
        while self.take("]").is_none() {
            values.push(one(self)?);
            self.skip_space()?;
            if self.take(",").is_none() && !self.rest.starts_with(']') {
                return None;
            }
            self.skip_space()?;
        }
        Some(Wire::List(values))
    }

    /// What is between braces: names and values.
    fn members(&mut self, levels: usize) -> Option<Wire> {
        self.skip_space()?;
        self.take("{")?;
        let mut members = Vec::new();
        self.skip_space()?;
        while self.take("}").is_none() {
            let is_text = self.rest.starts_with('"') || self.rest.starts_with("'''");
            let name = if is_text { self.text()? } else { self.symbol()? };
            self.skip_space()?;
            self.take(":")?;
            members.push((name, self.value(levels)?));
            self.skip_space()?;
            if self.take(",").is_none() && !self.rest.starts_with('}') {
                return None;
            }
            self.skip_space()?;
        }
        Some(Wire::Map(members))
    }

    fn blob(&mut self) -> Option<Wire> {
        self.take("{{")?;
        let (inner, rest) = self.rest.split_once("}}")?;
        self.rest = rest;
        let encoded: String = inner.split_ascii_whitespace().collect();
        Some(Wire::Blob(BASE64.decode(encoded).ok()?.into()))
    }

    /// An integer or a decimal, as the wire writes numbers.
    fn decimal(&mut self) -> Option<String> {
        let sign = if self.take("-").is_some() { "-" } else { "" };
        let word = self.word(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '+' | '-'));
        let is_decimal = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '_' | '+' | '-' | 'd' | 'D');
        let begins_well = word.starts_with(|letter: char| letter.is_ascii_digit());
        // A colon or a letter behind it, and it is a timestamp or something else.
        if !begins_well || !word.chars().all(is_decimal) || self.rest.starts_with(':') {
            return None;
        }
        let (digits, exponent) = word.split_once(['d', 'D']).unwrap_or((word, "0"));
        let digits: String = digits.trim_end_matches('.').chars().filter(|letter| *letter != '_').collect();
        Some(format!("{sign}{digits}E{exponent}"))
    }

    /// A symbol: an identifier, or quoted.
    fn symbol(&mut self) -> Option<String> {
        if self.rest.starts_with('\'') {
            return self.quoted("'");
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '$');
        let word = self.word(is_part);
        let is_identifier = !word.is_empty() && !word.starts_with(|letter: char| letter.is_ascii_digit());
        is_identifier.then(|| word.to_owned())
    }

    /// A string, or several long ones behind each other, which are one.
    fn text(&mut self) -> Option<String> {
        if !self.rest.starts_with("'''") {
            return self.quoted("\"");
        }
        let mut text = String::new();
        while self.rest.starts_with("'''") {
            text.push_str(&self.quoted("'''")?);
            self.skip_space()?;
        }
        Some(text)
    }

    /// What is between two times `quote`, its escapes resolved.
    fn quoted(&mut self, quote: &str) -> Option<String> {
        self.take(quote)?;
        let mut text = String::new();
        while self.take(quote).is_none() {
            let letter = self.letter()?;
            match letter {
                '\\' => text.extend(self.escaped()?),
                _ => text.push(letter),
            }
        }
        Some(text)
    }

    fn letter(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(letter)
    }

    /// What an escape stands for ("Escapes" in the specification); nothing, of an escaped end of line.
    fn escaped(&mut self) -> Option<Option<char>> {
        let letter = match self.letter()? {
            '0' => '\0',
            'a' => '\x07',
            'b' => '\x08',
            't' => '\t',
            'n' => '\n',
            'f' => '\x0c',
            'r' => '\r',
            'v' => '\x0b',
            letter @ ('"' | '\'' | '?' | '\\' | '/') => letter,
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '\n' => return Some(None),
            _ => return None,
        };
        Some(Some(letter))
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let (code, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let is_hex = code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(code, 16).ok().filter(|_| is_hex)?;
        match code {
            // Half of a pair: the other half follows.
            0xd800..=0xdbff => {
                self.take("\\u")?;
                let (low, rest) = self.rest.split_at_checked(4)?;
                self.rest = rest;
                let low = u32::from_str_radix(low, 16).ok().filter(|low| (0xdc00..=0xdfff).contains(low))?;
                char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00))
            }
            _ => char::from_u32(code),
        }
    }
}
