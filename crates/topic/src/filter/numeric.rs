//! `{"numeric": [">", 0, "<=", 5]}`

use super::pattern::{is_equal, number};
use serde_json::Value;

/// Between two bounds, each of which may be missing, or equal to a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Range {
    Equal(f64),
    Between {
        /// The bound, and whether it belongs to the range.
        low: Option<(f64, bool)>,
        high: Option<(f64, bool)>,
    },
}

impl Range {
    /// Reads the operand.
    pub fn parse(operand: &Value) -> Result<Self, String> {
        let Value::Array(items) = operand else { return Err("Value of numeric must be an array.".into()) };
        if items.is_empty() {
            return Err("Invalid member in numeric match: ".into());
        }
        if items.len() > 4 {
            return Err("Too many elements in numeric expression".into());
        }
        let mut bounds = Vec::new();
        for pair in items.chunks(2) {
            let word = pair[0].as_str().ok_or_else(|| format!("Invalid member in numeric match: {}", pair[0]))?;
            if !matches!(word, "=" | "<" | "<=" | ">" | ">=") {
                return Err(format!("Unrecognized numeric range operator: {word}"));
            }
            let name = if word == "=" { "equals" } else { word };
            let value = pair.get(1).filter(|value| value.is_number());
            bounds.push((word, number(value.ok_or_else(|| format!("Value of {name} must be numeric"))?)?));
        }
        match bounds[..] {
            [("=", value)] => Ok(Self::Equal(value)),
            [(word @ (">" | ">="), value)] => Ok(Self::Between { low: Some((value, word == ">=")), high: None }),
            [(word @ ("<" | "<="), value)] => Ok(Self::Between { low: None, high: Some((value, word == "<=")) }),
            [(above @ (">" | ">="), low), (below @ ("<" | "<="), high)] if low < high => {
                Ok(Self::Between { low: Some((low, above == ">=")), high: Some((high, below == "<=")) })
            }
            [(">" | ">=", _), ("<" | "<=", _)] => Err("Bottom must be less than top".into()),
            [("=", _), ..] => Err("Too many elements in numeric expression".into()),
            [_, (word, _), ..] => Err(format!("Bad numeric range operator: {word}")),
            _ => Err("Invalid member in numeric match: ".into()),
        }
    }

    /// Whether `value` lies in the range.
    pub fn holds(&self, value: f64) -> bool {
        match self {
            Self::Equal(number) => is_equal(value, *number),
            Self::Between { low, high } => {
                low.is_none_or(|(low, closed)| value > low && !is_equal(value, low) || closed && is_equal(value, low))
                    && high.is_none_or(|(high, closed)| {
                        value < high && !is_equal(value, high) || closed && is_equal(value, high)
                    })
            }
        }
    }
}
