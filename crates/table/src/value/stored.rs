//! Items as the store keeps them: a version byte, then the attributes in the order of their names.
//!
//! A text, byte string, list, map or set begins with its length as a variable-length integer (seven bits a byte, the low ones first).
//! A value begins with a byte for its type. Numbers are as in keys, see `number/order.rs`.

use super::{AttributeValue, Item, NESTING_LIMIT};
use crate::number::Number;
use bytes::Bytes;

/// The first byte of the form that is written now.
const VERSION: u8 = 1;

const S: u8 = 0;
const N: u8 = 1;
const B: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;
const NULL: u8 = 5;
const M: u8 = 6;
const L: u8 = 7;
const SS: u8 = 8;
const NS: u8 = 9;
const BS: u8 = 10;

/// The bytes that the store keeps of an item.
pub fn encode_item(item: &Item) -> Vec<u8> {
    let mut out = vec![VERSION];
    write_map(item, &mut out);
    out
}

/// The item of which [`encode_item`] made `bytes`; `None` if it made no such bytes.
pub fn decode_item(bytes: &[u8]) -> Option<Item> {
    let mut reader = Reader { rest: bytes };
    if reader.byte()? != VERSION {
        return None;
    }
    let item = reader.map(NESTING_LIMIT)?;
    reader.rest.is_empty().then_some(item)
}

fn write_length(mut length: usize, out: &mut Vec<u8>) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn write_map(map: &Item, out: &mut Vec<u8>) {
    write_length(map.len(), out);
    for (name, value) in map {
        write_bytes(name.as_bytes(), out);
        write(value, out);
    }
}

fn write(value: &AttributeValue, out: &mut Vec<u8>) {
    let start = |kind: u8, length: usize, out: &mut Vec<u8>| {
        out.push(kind);
        write_length(length, out);
    };
    match value {
        AttributeValue::S(text) => {
            out.push(S);
            write_bytes(text.as_bytes(), out);
        }
        AttributeValue::N(number) => {
            out.push(N);
            number.encode_ordered(out);
        }
        AttributeValue::B(bytes) => {
            out.push(B);
            write_bytes(bytes, out);
        }
        AttributeValue::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        AttributeValue::Null => out.push(NULL),
        AttributeValue::M(map) => {
            out.push(M);
            write_map(map, out);
        }
        AttributeValue::L(list) => {
            start(L, list.len(), out);
            list.iter().for_each(|value| write(value, out));
        }
        AttributeValue::SS(set) => {
            start(SS, set.len(), out);
            set.iter().for_each(|text| write_bytes(text.as_bytes(), out));
        }
        AttributeValue::NS(set) => {
            start(NS, set.len(), out);
            set.iter().for_each(|number| number.encode_ordered(out));
        }
        AttributeValue::BS(set) => {
            start(BS, set.len(), out);
            set.iter().for_each(|bytes| write_bytes(bytes, out));
        }
    }
}

/// Reads from the start of bytes that may be damaged.
struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn length(&mut self) -> Option<usize> {
        let mut length = 0usize;
        for shift in (0..32).step_by(7) {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(length);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(Into::into)
    }

    fn number(&mut self) -> Option<Number> {
        let (number, rest) = Number::decode_ordered(self.rest)?;
        self.rest = rest;
        Some(number)
    }

    /// As many as the length says of what `one` reads. Each takes at least a byte, so a damaged length costs nothing.
    fn several<T, C: FromIterator<T>>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<C> {
        let length = self.length()?;
        (0..length).map(|_| one(self)).collect()
    }

    fn map(&mut self, levels: usize) -> Option<Item> {
        self.several(|reader| Some((reader.text()?, reader.value(levels)?)))
    }

    fn value(&mut self, levels: usize) -> Option<AttributeValue> {
        let below = levels.checked_sub(1)?;
        Some(match self.byte()? {
            S => AttributeValue::S(self.text()?),
            N => AttributeValue::N(self.number()?),
            B => AttributeValue::B(Bytes::copy_from_slice(self.bytes()?)),
            FALSE => AttributeValue::Bool(false),
            TRUE => AttributeValue::Bool(true),
            NULL => AttributeValue::Null,
            M => AttributeValue::M(self.map(below)?),
            L => AttributeValue::L(self.several(|reader| reader.value(below))?),
            SS => AttributeValue::SS(self.several(Self::text)?),
            NS => AttributeValue::NS(self.several(Self::number)?),
            BS => AttributeValue::BS(self.several(|reader| reader.bytes().map(Bytes::copy_from_slice))?),
            _ => return None,
        })
    }
}
