//! DynamoDB's numbers: decimal, exact, at most 38 significant digits, of magnitude 1E-130 to just below 1E126.
//!
//! A number is kept normalised (no trailing zeros in the mantissa), so equal values are equal structures.

mod order;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Significant digits that a number can have.
const PRECISION: u32 = 38;
/// The decimal exponents that the first digit of a number can have.
const SMALLEST: i64 = -130;
const LARGEST: i64 = 125;

/// A number: `digits` × 10^`exponent`, or the negative of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Number {
    negative: bool,
    /// Below 10^38, and not a multiple of ten unless it is zero.
    digits: u128,
    exponent: i16,
}

/// Why a text or a result is no number; the texts are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The text is empty.
    #[error("The parameter cannot be converted to a numeric value")]
    Empty,
    /// The text is no number.
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotNumeric(String),
    /// It is 1E126 or more.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// It is closer to zero than 1E-130, and not zero.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
    /// It cannot be written with 38 digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooPrecise,
}

impl Number {
    /// Zero.
    pub const ZERO: Self = Self { negative: false, digits: 0, exponent: 0 };

    /// The number of these parts, normalised and checked.
    fn new(negative: bool, mut digits: u128, mut exponent: i64) -> Result<Self, NumberError> {
        if digits == 0 {
            return Ok(Self::ZERO);
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent = exponent.saturating_add(1);
        }
        if length(digits) > PRECISION {
            return Err(NumberError::TooPrecise);
        }
        match exponent.saturating_add(i64::from(length(digits)) - 1) {
            first if first > LARGEST => return Err(NumberError::Overflow),
            first if first < SMALLEST => return Err(NumberError::Underflow),
            _ => {}
        }
        // The first digit's exponent is in range, and there are at most 37 digits behind it.
        let exponent = i16::try_from(exponent).map_err(|_| NumberError::Overflow)?;
        Ok(Self { negative, digits, exponent })
    }

    /// The sum.
    ///
    /// # Errors
    /// [`NumberError::Overflow`], [`NumberError::TooPrecise`] where it is no number; nothing is rounded.
    pub fn checked_add(self, other: Self) -> Result<Self, NumberError> {
        match (self.digits, other.digits) {
            (0, _) => Ok(other),
            (_, 0) => Ok(self),
            _ if self.exponent >= other.exponent => self.add_aligned(other),
            _ => other.add_aligned(self),
        }
    }

    /// The sum with a number whose last digit is not left of this one's; neither is zero.
    fn add_aligned(self, low: Self) -> Result<Self, NumberError> {
        // Where the shifted digits do not fit, more than 38 digits are between the result's first and last one: the last digit of
        // `low` is not zero, and nothing is subtracted that could take the first ones away.
        let shift = u32::try_from(self.exponent - low.exponent).map_err(|_| NumberError::TooPrecise)?;
        let shifted = 10u128.checked_pow(shift).and_then(|power| self.digits.checked_mul(power));
        let shifted = shifted.ok_or(NumberError::TooPrecise)?;
        let exponent = i64::from(low.exponent);
        if self.negative == low.negative {
            let sum = shifted.checked_add(low.digits).ok_or(NumberError::TooPrecise)?;
            return Self::new(self.negative, sum, exponent);
        }
        Self::new(self.negative == (shifted >= low.digits), shifted.abs_diff(low.digits), exponent)
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Number::checked_add`].
    pub fn checked_sub(self, other: Self) -> Result<Self, NumberError> {
        self.checked_add(other.negated())
    }

    fn negated(self) -> Self {
        Self { negative: !self.negative && self.digits != 0, ..self }
    }

    /// The bytes that it counts in an item: one for every two digits, one more, and one for a sign.
    pub fn size(&self) -> usize {
        length(self.digits).div_ceil(2) as usize + 1 + usize::from(self.negative)
    }

    /// The number without what is behind the point, if it fits.
    pub fn truncated(&self) -> Option<i64> {
        let shift = u32::from(self.exponent.unsigned_abs());
        let power = 10u128.checked_pow(shift);
        let whole = match power {
            Some(power) if self.exponent < 0 => self.digits / power,
            Some(power) => self.digits.checked_mul(power)?,
            None if self.exponent < 0 => 0,
            None => return None,
        };
        let whole = i128::try_from(whole).ok()?;
        i64::try_from(if self.negative { -whole } else { whole }).ok()
    }

    /// The decimal exponent of the first digit.
    fn first(&self) -> i64 {
        i64::from(self.exponent) + i64::from(length(self.digits)) - 1
    }

    /// The digits as if there were 38.
    fn padded(&self) -> u128 {
        self.digits * 10u128.pow(PRECISION - length(self.digits))
    }

    fn cmp_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits, other.digits) {
            (0, _) | (_, 0) => self.digits.cmp(&other.digits),
            _ => self.first().cmp(&other.first()).then_with(|| self.padded().cmp(&other.padded())),
        }
    }
}

/// How many decimal digits there are; none in zero.
fn length(digits: u128) -> u32 {
    digits.checked_ilog10().map_or(0, |last| last + 1)
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::new(number < 0, number.unsigned_abs().into(), 0).unwrap_or_default()
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// In full, without an exponent: what DynamoDB answers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits = self.digits.to_string();
        let behind = usize::from(self.exponent.unsigned_abs());
        if self.exponent >= 0 {
            return write!(f, "{sign}{digits}{:0<behind$}", "");
        }
        match digits.len().checked_sub(behind) {
            Some(whole) if whole > 0 => write!(f, "{sign}{}.{}", &digits[..whole], &digits[whole..]),
            _ => write!(f, "{sign}0.{digits:0>behind$}"),
        }
    }
}

/// As Java's `BigDecimal` reads: a sign, digits with or without a point, an exponent. The cost is the text's length.
impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let wrong = || NumberError::NotNumeric(text.chars().take(LONGEST_SHOWN).collect());
        let (negative, rest) = sign(text);
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent).ok_or_else(wrong)?),
            None => (rest, 0),
        };
        let read = Mantissa::read(mantissa).ok_or_else(wrong)?;
        if read.too_long {
            return Err(NumberError::TooPrecise);
        }
        Self::new(negative, read.digits, exponent.saturating_add(read.exponent))
    }
}

/// Characters of a bad text that an error shows.
const LONGEST_SHOWN: usize = 1024;

/// A leading sign: whether it is a minus, and what follows.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Only zero has a magnitude that such an exponent could not put out of range.
    let size = digits.bytes().fold(0i64, |sum, byte| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    Some(if negative { -size } else { size })
}

/// Digits while they are read. Zeros wait until a digit behind them shows that they count.
#[derive(Default)]
struct Mantissa {
    digits: u128,
    exponent: i64,
    waiting: u32,
    too_long: bool,
}

impl Mantissa {
    fn read(text: &str) -> Option<Self> {
        let mut read = Self::default();
        let (mut behind_point, mut any) = (false, false);
        for byte in text.bytes() {
            match byte {
                b'.' if !behind_point => behind_point = true,
                b'0'..=b'9' => {
                    any = true;
                    read.push(byte - b'0');
                    read.exponent -= i64::from(behind_point);
                }
                _ => return None,
            }
        }
        read.exponent += i64::from(read.waiting);
        any.then_some(read)
    }

    fn push(&mut self, digit: u8) {
        if digit == 0 {
            self.waiting = if self.digits == 0 { 0 } else { self.waiting.saturating_add(1) };
            return;
        }
        let grown = length(self.digits).saturating_add(self.waiting).saturating_add(1);
        if self.too_long || grown > PRECISION {
            self.too_long = true;
            return;
        }
        self.digits = self.digits * 10u128.pow(self.waiting + 1) + u128::from(digit);
        self.waiting = 0;
    }
}
