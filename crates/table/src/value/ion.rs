//! Items as text of Amazon Ion, for files in buckets ("Amazon Ion" in "DynamoDB table export output format" and in "Amazon S3 import formats for DynamoDB",
//! Developer Guide; the grammar is that of Ion 1.0).
//!
//! Reading is ours and not `ion-rs`'s: what is read comes from strangers, and that crate takes stack for each level of nesting until the process ends.

mod read;
#[cfg(test)]
mod tests;

pub use read::read_item;

use super::{AttributeValue, Item};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::{Display, Write as _};

/// What each line begins with.
pub const MARKER: &str = "$ion_1_0";
/// The annotations of lists that are sets.
const STRINGS: &str = "$dynamodb_SS";
const NUMBERS: &str = "$dynamodb_NS";
const BINARIES: &str = "$dynamodb_BS";
/// Symbols that mean something else where they are not quoted.
const RESERVED: [&str; 4] = ["null", "true", "false", "nan"];

/// An item, or the content of a map.
pub fn item(item: &Item) -> String {
    let mut out = String::new();
    structure(item, &mut out);
    out
}

fn structure(item: &Item, out: &mut String) {
    let entry = |(name, content): (&String, &AttributeValue), out: &mut String| {
        field(name, out);
        value(content, out);
    };
    separated(('{', '}'), item.iter(), entry, out);
}

fn separated<T>(
    (open, close): (char, char),
    all: impl Iterator<Item = T>,
    one: impl Fn(T, &mut String),
    out: &mut String,
) {
    out.push(open);
    for (place, content) in all.enumerate() {
        if place > 0 {
            out.push(',');
        }
        one(content, out);
    }
    out.push(close);
}

fn value(content: &AttributeValue, out: &mut String) {
    match content {
        AttributeValue::S(text) => quoted('"', text, out),
        AttributeValue::N(number) => decimal(number, out),
        AttributeValue::B(bytes) => blob(bytes, out),
        AttributeValue::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        AttributeValue::Null => out.push_str("null"),
        AttributeValue::M(map) => structure(map, out),
        AttributeValue::L(list) => separated(('[', ']'), list.iter(), value, out),
        AttributeValue::SS(set) => annotated(STRINGS, set.iter(), |text, out| quoted('"', text, out), out),
        AttributeValue::NS(set) => annotated(NUMBERS, set.iter(), decimal, out),
        AttributeValue::BS(set) => annotated(BINARIES, set.iter(), |bytes, out| blob(bytes, out), out),
    }
}

fn annotated<T>(annotation: &str, all: impl Iterator<Item = T>, one: impl Fn(T, &mut String), out: &mut String) {
    out.push_str(annotation);
    out.push_str("::");
    separated(('[', ']'), all, one, out);
}

/// A decimal has a point or an exponent: `103.`, `6d2`, `1.5`.
fn decimal(number: impl Display, out: &mut String) {
    let text = number.to_string();
    let digits = text.trim_end_matches('0');
    out.push_str(match text.contains('.') || text == "0" {
        true => &text,
        false => digits,
    });
    match text.len() - digits.len() {
        _ if text.contains('.') => {}
        zeros if zeros > 0 && text != "0" => drop(write!(out, "d{zeros}")),
        _ => out.push('.'),
    }
}

fn blob(bytes: &[u8], out: &mut String) {
    out.push_str("{{");
    BASE64.encode_string(bytes, out);
    out.push_str("}}");
}

/// The name of a member, with its colon: a symbol, quoted unless it is an identifier.
fn field(name: &str, out: &mut String) {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$');
    let is_identifier = name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
        && !RESERVED.contains(&name)
        // A dollar and digits is a symbol's number.
        && !name.strip_prefix('$').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    match is_identifier {
        true => out.push_str(name),
        false => quoted('\'', name, out),
    }
    out.push(':');
}

fn quoted(quote: char, text: &str, out: &mut String) {
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if letter == quote => out.extend(['\\', letter]),
            _ if letter.is_control() => drop(write!(out, "\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out.push(quote);
}
