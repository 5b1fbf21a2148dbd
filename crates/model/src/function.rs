//! How a function is named: by name, partial ARN or full ARN, with or without a version or alias.

use crate::{AccountId, Arn, InvalidName, Region, RequestContext};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A function's name: 1 to 64 letters, digits, hyphens and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FunctionName(String);

impl FunctionName {
    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new("function name", text, "1 to 64 letters, digits, hyphens and underscores"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of a function's versions is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Qualifier {
    /// `$LATEST`, the one that can be changed.
    Latest,
    /// A published version, from 1.
    Version(u64),
    /// An alias.
    Alias(String),
}

impl Qualifier {
    /// Reads `$LATEST`, a number, or an alias name (1 to 128 letters, digits, hyphens and underscores, not only digits).
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName::new("qualifier", text, "$LATEST, a version number or an alias name");
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match text {
            "$LATEST" => Ok(Self::Latest),
            _ if text.is_empty() || text.len() > 128 || !text.bytes().all(plain) => Err(wrong()),
            _ if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map(Self::Version).map_err(|_| wrong()),
            _ => Ok(Self::Alias(text.into())),
        }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("$LATEST"),
            Self::Version(number) => write!(f, "{number}"),
            Self::Alias(name) => f.write_str(name),
        }
    }
}

/// A function as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionRef {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// Its name.
    pub name: FunctionName,
    /// The version or alias, if one was named.
    pub qualifier: Option<Qualifier>,
}

impl FunctionRef {
    /// Reads `NAME[:Q]`, `ACCOUNT:function:NAME[:Q]` or a full ARN. What the text leaves out comes from `context`.
    pub fn parse(text: &str, context: &RequestContext) -> Result<Self, InvalidName> {
        let wrong = || InvalidName::new("function name", text, "a name, ACCOUNT:function:NAME or a function ARN");
        let parts: Vec<&str> = text.split(':').collect();
        let (region, account, name, qualifier) = match parts[..] {
            [name] => (None, None, name, None),
            [name, qualifier] => (None, None, name, Some(qualifier)),
            [account, "function", name] => (None, Some(account), name, None),
            [account, "function", name, qualifier] => (None, Some(account), name, Some(qualifier)),
            ["arn", _, "lambda", region, account, "function", name] => (Some(region), Some(account), name, None),
            ["arn", _, "lambda", region, account, "function", name, qualifier] => {
                (Some(region), Some(account), name, Some(qualifier))
            }
            _ => return Err(wrong()),
        };
        Ok(Self {
            account: account.map_or_else(|| Ok(context.account.clone()), str::parse)?,
            region: region.map_or_else(|| Ok(context.region.clone()), str::parse)?,
            name: FunctionName::new(name)?,
            qualifier: qualifier.map(Qualifier::parse).transpose()?,
        })
    }

    /// The ARN, with the qualifier if there is one.
    pub fn arn(&self) -> Arn {
        let resource = match &self.qualifier {
            Some(qualifier) => format!("function:{}:{qualifier}", self.name),
            None => format!("function:{}", self.name),
        };
        Arn::new("lambda", &self.region, &self.account, &resource)
    }
}
