//! Numbers as bytes that sort as the numbers do: keys of items and indexes, and what the store keeps.
//!
//! The form: a byte for the sign; the first digit's exponent; the digits in pairs, each as 1 to 100; a zero. What follows the sign is
//! inverted in negative numbers. Zero is its sign alone. The end of a number is seen from its bytes.

use super::{Number, PRECISION, SMALLEST};

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
const END: u8 = 0;

impl Number {
    /// Appends the bytes of the number, at most 22. They compare as the numbers do, and none is the beginning of another.
    pub fn encode_ordered(&self, out: &mut Vec<u8>) {
        if self.digits == 0 {
            return out.push(ZERO);
        }
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        let start = out.len();
        // In range: `Number::new` has checked it.
        out.push(u8::try_from(self.first() - SMALLEST).unwrap_or(u8::MAX));
        let mut left = self.padded();
        let mut unit = 10u128.pow(PRECISION - 2);
        while left > 0 {
            out.push((left / unit) as u8 + 1);
            left %= unit;
            unit = (unit / 100).max(1);
        }
        out.push(END);
        if self.negative {
            out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
    }

    /// Reads a number from the start of `bytes`, and tells what follows; `None` if these are not a number's bytes.
    pub fn decode_ordered(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (sign, rest) = bytes.split_first()?;
        let negative = match *sign {
            ZERO => return Some((Self::ZERO, rest)),
            NEGATIVE => true,
            POSITIVE => false,
            _ => return None,
        };
        let plain = |byte: &u8| if negative { !*byte } else { *byte };
        let (first, mut rest) = rest.split_first()?;
        let first = SMALLEST + i64::from(plain(first));
        let (mut digits, mut count) = (0u128, 0u32);
        loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            match plain(byte) {
                END => break,
                pair @ 1..=100 if count < PRECISION => digits = digits * 100 + u128::from(pair - 1),
                _ => return None,
            }
            count += 2;
        }
        let is_normal = !digits.is_multiple_of(100) && digits >= 10u128.pow(count.checked_sub(1)?);
        let number = Self::new(negative, digits, first + 1 - i64::from(count)).ok()?;
        is_normal.then_some((number, rest))
    }
}
