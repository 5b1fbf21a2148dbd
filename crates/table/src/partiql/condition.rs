//! What stands behind `WHERE`.

use super::parser::{Parser, Result, malformed, unsupported};
use super::token::Token;
use crate::expression::{Comparator, Condition, Operand, Path};
use crate::value::AttributeValue;

/// Values that one `IN` can have.
const CHOICES: usize = 100;

impl Parser<'_> {
    /// A condition.
    pub fn condition(&mut self) -> Result<Condition> {
        let mut condition = self.conjunction()?;
        while self.take_keyword("OR") {
            self.count_operator()?;
            condition = Condition::Or(Box::new(condition), Box::new(self.conjunction()?));
        }
        Ok(condition)
    }

    fn conjunction(&mut self) -> Result<Condition> {
        let mut condition = self.negation()?;
        while self.take_keyword("AND") {
            self.count_operator()?;
            condition = Condition::And(Box::new(condition), Box::new(self.negation()?));
        }
        Ok(condition)
    }

    fn negation(&mut self) -> Result<Condition> {
        if self.take_keyword("NOT") {
            self.count_operator()?;
            return Ok(not(self.nested(Self::negation)?));
        }
        if self.take("(") {
            let condition = self.nested(Self::condition)?;
            self.expect(")")?;
            return Ok(condition);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Condition> {
        self.count_operator()?;
        if let (Token::Word(name), Token::Symbol("(")) = (self.peek(), self.peek_second())
            && !name.eq_ignore_ascii_case("size")
        {
            let name = name.to_ascii_lowercase();
            return self.function(&name);
        }
        let left = self.operand()?;
        if self.take_keyword("IS") {
            return self.is_something(left);
        }
        let is_negated = self.take_keyword("NOT");
        let condition = if self.take_keyword("IN") {
            Condition::In(left, self.choices()?)
        } else if self.take_keyword("BETWEEN") {
            let low = self.operand()?;
            self.expect_keyword("AND")?;
            Condition::Between(left, low, self.operand()?)
        } else if is_negated {
            return Err(self.unexpected());
        } else {
            self.compare(left)?
        };
        Ok(if is_negated { not(condition) } else { condition })
    }

    fn compare(&mut self, left: Operand) -> Result<Condition> {
        let comparator = match self.peek() {
            Token::Symbol("!=") => Some(Comparator::NotEqual),
            Token::Symbol(symbol) => Comparator::of(symbol),
            _ => None,
        };
        let Some(comparator) = comparator else { return Err(self.unexpected()) };
        self.next();
        if !self.take_keyword("MISSING") {
            return Ok(Condition::Compare(comparator, left, self.operand()?));
        }
        match comparator {
            Comparator::Equal => Ok(Condition::NotExists(path_of(left)?)),
            Comparator::NotEqual => Ok(Condition::Exists(path_of(left)?)),
            _ => Err(unsupported("Only equality and inequality operators can be used with MISSING")),
        }
    }

    fn is_something(&mut self, left: Operand) -> Result<Condition> {
        let is_negated = self.take_keyword("NOT");
        let path = path_of(left)?;
        if self.take_keyword("MISSING") {
            return Ok(if is_negated { Condition::Exists(path) } else { Condition::NotExists(path) });
        }
        self.expect_keyword("NULL")?;
        let is_null = Condition::HasType(path, "NULL".into());
        Ok(if is_negated { not(is_null) } else { is_null })
    }

    /// What stands behind `IN`: operands in brackets or parentheses, or a parameter that is a list.
    fn choices(&mut self) -> Result<Vec<Operand>> {
        let choices = if self.take("(") {
            self.several(")", Self::operand)?
        } else if self.take("[") {
            self.several("]", Self::operand)?
        } else {
            match self.literal()? {
                AttributeValue::L(values) => values.into_iter().map(Operand::Value).collect(),
                _ => return Err(malformed("Expected a list behind IN")),
            }
        };
        match choices.len() > CHOICES {
            true => Err(unsupported(format!("The IN operator takes at most {CHOICES} values"))),
            false => Ok(choices),
        }
    }

    fn operand(&mut self) -> Result<Operand> {
        if self.is_literal() {
            return Ok(Operand::Value(self.literal()?));
        }
        if self.is_keyword("size") && *self.peek_second() == Token::Symbol("(") {
            self.next();
            self.next();
            self.count_operator()?;
            let operand = self.nested(Self::operand)?;
            self.expect(")")?;
            return Ok(Operand::Size(Box::new(operand)));
        }
        Ok(Operand::Path(self.path()?))
    }

    fn function(&mut self, name: &str) -> Result<Condition> {
        self.next();
        self.next();
        let mut operands = self.several(")", Self::operand)?.into_iter();
        match (name, operands.next(), operands.next(), operands.next()) {
            ("begins_with", Some(value), Some(start), None) => Ok(Condition::BeginsWith(value, start)),
            ("contains", Some(whole), Some(part), None) => Ok(Condition::Contains(whole, part)),
            ("attribute_type", Some(value), Some(Operand::Value(AttributeValue::S(name))), None) => {
                Ok(Condition::HasType(path_of(value)?, name))
            }
            ("attribute_exists", Some(value), None, _) => Ok(Condition::Exists(path_of(value)?)),
            ("attribute_not_exists", Some(value), None, _) => Ok(Condition::NotExists(path_of(value)?)),
            ("begins_with" | "contains" | "attribute_type" | "attribute_exists" | "attribute_not_exists", ..) => {
                Err(unsupported(format!("Incorrect operands for function {name}")))
            }
            _ => Err(unsupported(format!("Unsupported function: {name}"))),
        }
    }
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn path_of(operand: Operand) -> Result<Path> {
    match operand {
        Operand::Path(path) => Ok(path),
        Operand::Value(_) | Operand::Size(_) => Err(unsupported("Operator or function requires a document path")),
    }
}
