//! Account ids, regions and ARNs as types that cannot be built wrong.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A name, id or ARN that does not have the form its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} '{value}' is not valid: {expected}")]
pub struct InvalidName {
    /// What was being read, such as `account id`.
    pub what: &'static str,
    /// The offending text, cut to 256 characters.
    pub value: String,
    /// The form that is accepted.
    pub expected: &'static str,
}

impl InvalidName {
    /// Describes `value`, which is not a valid `what`.
    pub fn new(what: &'static str, value: &str, expected: &'static str) -> Self {
        Self { what, value: value.chars().take(256).collect(), expected }
    }
}

/// Twelve digits that name an account.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The account of clients that name none.
    pub fn default_account() -> Self {
        Self("000000000000".into())
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new("account id", text, "twelve digits"))
        }
    }
}

/// A region's name, such as `us-east-1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// The region of clients that name none.
    pub fn default_region() -> Self {
        Self("us-east-1".into())
    }

    /// The region's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (2..=32).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new("region", text, "2 to 32 lower-case letters, digits and hyphens"))
        }
    }
}

/// An Amazon Resource Name: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`. Region and account may be empty, as in S3's and IAM's.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    text: String,
    service: (usize, usize),
    region: (usize, usize),
    account: (usize, usize),
    resource: usize,
}

impl Arn {
    /// Builds `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub fn new(service: &str, region: &Region, account: &AccountId, resource: &str) -> Self {
        let (region, account) = (region.as_str(), account.as_str());
        Self::indexed(format!("arn:aws:{service}:{region}:{account}:{resource}"))
    }

    /// Builds an ARN without a region, as IAM has them.
    pub fn global(service: &str, account: &AccountId, resource: &str) -> Self {
        Self::indexed(format!("arn:aws:{service}::{}:{resource}", account.as_str()))
    }

    fn indexed(text: String) -> Self {
        let mut at = text.match_indices(':').map(|(at, _)| at);
        let mut next = || at.next().unwrap_or(text.len());
        let (_, partition, service, region, account) = (next(), next(), next(), next(), next());
        Self {
            service: (partition + 1, service),
            region: (service + 1, region),
            account: (region + 1, account),
            resource: account + 1,
            text,
        }
    }

    /// The service's prefix, such as `lambda`.
    pub fn service(&self) -> &str {
        &self.text[self.service.0..self.service.1]
    }

    /// The region, empty for a global resource.
    pub fn region(&self) -> &str {
        &self.text[self.region.0..self.region.1]
    }

    /// The account id, empty where the service leaves it out.
    pub fn account(&self) -> &str {
        &self.text[self.account.0..self.account.1]
    }

    /// Everything after the account, such as `function:orders:live`.
    pub fn resource(&self) -> &str {
        &self.text[self.resource..]
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Arn {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let wrong = || InvalidName::new("ARN", text, "arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE");
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let whole = parts.len() == 6 && parts[0] == "arn" && text.len() <= 2048;
        if !whole || parts[1].is_empty() || parts[2].is_empty() || parts[5].is_empty() {
            return Err(wrong());
        }
        Ok(Self::indexed(text.into()))
    }
}

macro_rules! text_type {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String { value.as_str().to_owned() }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> { text.parse() }
        }
    )*};
}
text_type!(AccountId, Region, Arn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_back_in_its_parts() {
        let arn: Arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live".parse().unwrap();
        assert_eq!((arn.service(), arn.region()), ("lambda", "eu-west-1"));
        assert_eq!((arn.account(), arn.resource()), ("123456789012", "function:orders:live"));
        let role: Arn = "arn:aws:iam::123456789012:role/shop".parse().unwrap();
        assert_eq!((role.region(), role.account(), role.resource()), ("", "123456789012", "role/shop"));
    }

    #[test]
    fn what_is_not_an_arn_is_refused() {
        for text in ["", "arn", "arn:aws:lambda:us-east-1:1", "urn:aws:s3:::b", "arn::s3:::b", "arn:aws:s3:::"] {
            assert!(text.parse::<Arn>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_account_is_twelve_digits() {
        assert!("123456789012".parse::<AccountId>().is_ok());
        for text in ["", "12345678901", "1234567890123", "12345678901x"] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }
}
