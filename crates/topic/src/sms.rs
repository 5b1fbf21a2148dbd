//! Text messages: settings and numbers are kept as SNS keeps them; no text is ever sent.

use crate::model::{Draft, Published, Texts};
use crate::{Error, Topics, keys};
use fogbank_model::{AccountId, Region, RequestContext};
use fogbank_store::{Read, Tx};
use serde::{Deserialize, Serialize};

/// Settings that there are.
const ATTRIBUTES: [&str; 6] = [
    "MonthlySpendLimit",
    "DeliveryStatusIAMRole",
    "DeliveryStatusSuccessSamplingRate",
    "DefaultSenderID",
    "DefaultSMSType",
    "UsageReportS3Bucket",
];

/// A number of the SMS sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// Whether its owner has shown the password.
    pub verified: bool,
}

/// Whether `text` is a phone number in the form E.164, with or without separators.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    let plain = rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | ' ' | '/' | '(' | ')'));
    let separated = ["--", "..", "//", "-.", ".-"].iter().any(|twice| rest.contains(twice));
    plain && !separated && (5..=20).contains(&digits) && rest.ends_with(|c: char| c.is_ascii_digit())
}

impl Topics {
    /// Takes a text for a number, which goes nowhere.
    ///
    /// # Errors
    /// A number or a message that is none.
    pub fn text(&self, _: &RequestContext, number: &str, draft: &Draft) -> Result<Published, Error> {
        if !is_number(number) || !number.starts_with('+') {
            return Err(Error::because("PhoneNumber", format!("{number} is not valid to publish to")));
        }
        self.nowhere(draft, "a phone number")
    }

    /// The settings of text messages.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn sms_attributes(&self, scope: (&AccountId, &Region)) -> Result<Texts, Error> {
        let found = self.store.read(|snapshot| snapshot.load(keys::SMS, &keys::scope(scope.0, scope.1)))?;
        Ok(found.unwrap_or_default())
    }

    /// Sets settings of text messages.
    ///
    /// # Errors
    /// A setting that there is not, [`Error::Store`].
    pub async fn set_sms_attributes(&self, scope: (&AccountId, &Region), attributes: Texts) -> Result<(), Error> {
        if let Some(unknown) = attributes.keys().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
            return Err(Error::invalid(unknown.as_str()));
        }
        if attributes
            .get("DefaultSMSType")
            .is_some_and(|kind| !matches!(kind.as_str(), "Promotional" | "Transactional"))
        {
            return Err(Error::invalid("DefaultSMSType"));
        }
        let record = keys::scope(scope.0, scope.1);
        let set = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut all: Texts = tx.load(keys::SMS, &record)?.unwrap_or_default();
            all.extend(attributes.clone());
            Ok(tx.save(keys::SMS, &record, &all)?)
        };
        self.store.transact(set).await
    }

    /// Puts a number into the sandbox, or takes it out.
    ///
    /// # Errors
    /// [`Error::NoPhone`] for a number to be taken out that is not there, [`Error::Store`].
    pub async fn set_phone(
        &self,
        scope: (&AccountId, &Region),
        number: &str,
        phone: Option<Phone>,
    ) -> Result<(), Error> {
        let (record, number) = (keys::named(scope.0, scope.1, number), number.to_owned());
        let set = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let there: Option<Phone> = tx.load(keys::PHONE, &record)?;
            match (&phone, there) {
                (None, None) => return Err(Error::NoPhone(format!("Phone number {number} does not exist"))),
                (None, Some(_)) => tx.delete(keys::PHONE, &record),
                (Some(_), Some(there)) if there.verified => {}
                (Some(phone), _) => tx.save(keys::PHONE, &record, phone)?,
            }
            Ok(())
        };
        self.store.transact(set).await
    }

    /// The sandbox's numbers.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn phones(&self, scope: (&AccountId, &Region)) -> Result<Vec<(String, Phone)>, Error> {
        let prefix = keys::scope(scope.0, scope.1);
        let found = self.store.read(|snapshot| snapshot.load_prefix::<Phone>(keys::PHONE, &prefix))?;
        Ok(found.into_iter().filter_map(|(key, phone)| Some((keys::name_in(&key)?, phone))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_form() {
        for good in ["+15551234567", "15551234567", "+1 555-123-4567", "+15/55-123.456"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "abc", "+1555--1234567", "/15551234567/", "+15551234567.", "+1"] {
            assert!(!is_number(bad), "{bad}");
        }
    }
}
