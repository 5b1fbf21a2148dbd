//! Mobile applications and their devices. They are kept as SNS keeps them; nothing is pushed to anybody.

use crate::model::{Draft, Published, Texts};
use crate::publish::{size, structure};
use crate::{Error, Topics, keys};
use fogbank_model::{AccountId, Arn, Region, RequestContext};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};

/// Platforms that applications can be of.
const PLATFORMS: [&str; 9] =
    ["ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "FCM", "GCM", "MPNS"];
/// Attributes of an application.
const APPLICATION: [&str; 13] = [
    "PlatformCredential",
    "PlatformPrincipal",
    "EventEndpointCreated",
    "EventEndpointDeleted",
    "EventEndpointUpdated",
    "EventDeliveryFailure",
    "SuccessFeedbackRoleArn",
    "FailureFeedbackRoleArn",
    "SuccessFeedbackSampleRate",
    "ApplePlatformTeamID",
    "ApplePlatformBundleID",
    "Enabled",
    "AppleCertificateExpirationDate",
];
/// Attributes that are never shown.
const SECRET: [&str; 2] = ["PlatformCredential", "PlatformPrincipal"];
/// Attributes of a device.
const DEVICE: [&str; 3] = ["CustomUserData", "Enabled", "Token"];

/// Names one application: its platform and its name, joined with a slash, and for a device its id behind another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The owner.
    pub account: AccountId,
    /// Where it lives.
    pub region: Region,
    /// `PLATFORM/NAME` or `PLATFORM/NAME/ID`.
    pub path: String,
}

impl Key {
    fn record(&self) -> Vec<u8> {
        keys::named(&self.account, &self.region, &self.path)
    }

    fn of(arn: &Arn, kind: &str, parts: usize) -> Option<Self> {
        let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
        let path = arn.resource().strip_prefix(kind)?.strip_prefix('/')?;
        let is_one = arn.service() == "sns" && path.split('/').count() == parts;
        is_one.then(|| Self { account, region, path: path.to_owned() })
    }
}

/// Names one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationKey(pub Key);

impl ApplicationKey {
    /// `arn:aws:sns:REGION:ACCOUNT:app/PLATFORM/NAME`
    pub fn arn(&self) -> Arn {
        Arn::new("sns", &self.0.region, &self.0.account, &format!("app/{}", self.0.path))
    }

    /// The application that an ARN names; `None` if it is none's.
    pub fn of(arn: &Arn) -> Option<Self> {
        Key::of(arn, "app", 2).map(Self)
    }
}

/// Names one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceKey(pub Key);

impl DeviceKey {
    /// `arn:aws:sns:REGION:ACCOUNT:endpoint/PLATFORM/NAME/ID`
    pub fn arn(&self) -> Arn {
        Arn::new("sns", &self.0.region, &self.0.account, &format!("endpoint/{}", self.0.path))
    }

    /// The device that an ARN names; `None` if it is none's.
    pub fn of(arn: &Arn) -> Option<Self> {
        Key::of(arn, "endpoint", 3).map(Self)
    }
}

/// An application or a device: its attributes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// As they were set.
    pub attributes: Texts,
}

/// A device: its attributes.
pub type Device = Application;

impl Topics {
    /// Makes an application; one that is there already is kept with the attributes that are given now.
    ///
    /// # Errors
    /// A platform, name or attribute that SNS does not take, [`Error::Store`].
    pub async fn create_application(
        &self,
        scope: (&AccountId, &Region),
        platform: &str,
        name: &str,
        attributes: Texts,
    ) -> Result<ApplicationKey, Error> {
        if !PLATFORMS.contains(&platform) {
            return Err(Error::because("Platform", format!("{platform} is not supported")));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 256 || !name.bytes().all(plain) {
            return Err(Error::because("Name", "must be 1 to 256 letters, digits, underscores, hyphens and periods"));
        }
        check(&attributes, &APPLICATION)?;
        let path = format!("{platform}/{name}");
        let key = Key { account: scope.0.clone(), region: scope.1.clone(), path };
        let record = key.record();
        let create = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            let mut application: Application = tx.load(keys::APPLICATION, &record)?.unwrap_or_default();
            application.attributes.extend(attributes.clone());
            application.attributes.entry("Enabled".into()).or_insert_with(|| "true".into());
            tx.save(keys::APPLICATION, &record, &application)
        };
        self.store.transact(create).await?;
        Ok(ApplicationKey(key))
    }

    /// Deletes an application with its devices. It is no error if there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete_application(&self, key: &ApplicationKey) -> Result<(), Error> {
        let record = key.0.record();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            tx.delete(keys::APPLICATION, &record);
            for (device, _) in tx.scan_prefix(keys::DEVICE, &[record.as_slice(), b"/"].concat(), usize::MAX)? {
                tx.delete(keys::DEVICE, &device);
            }
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// An application's attributes, without its credentials.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn application(&self, key: &ApplicationKey) -> Result<Texts, Error> {
        let found: Option<Application> =
            self.store.read(|snapshot| snapshot.load(keys::APPLICATION, &key.0.record()))?;
        let mut attributes = found.ok_or(Error::NotFound("PlatformApplication"))?.attributes;
        attributes.retain(|name, _| !SECRET.contains(&name.as_str()));
        Ok(attributes)
    }

    /// Sets attributes of an application.
    ///
    /// # Errors
    /// [`Error::NotFound`], an attribute that SNS does not take, [`Error::Store`].
    pub async fn set_application(&self, key: &ApplicationKey, attributes: Texts) -> Result<(), Error> {
        check(&attributes, &APPLICATION)?;
        self.set(keys::APPLICATION, key.0.record(), attributes, "PlatformApplication").await
    }

    /// A page of the applications, and where the next one begins.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn applications(
        &self,
        scope: (&AccountId, &Region),
        after: Option<&str>,
    ) -> Result<(Vec<ApplicationKey>, Option<String>), Error> {
        let (paths, next) = self.page(keys::APPLICATION, scope, after)?;
        let key = |path| ApplicationKey(Key { account: scope.0.clone(), region: scope.1.clone(), path });
        Ok((paths.into_iter().map(key).collect(), next))
    }

    /// Makes a device of an application; the same token is the same device, and must come with the same attributes.
    ///
    /// # Errors
    /// [`Error::NotFound`], an attribute that SNS does not take, a device that differs, [`Error::Store`].
    pub async fn create_device(
        &self,
        application: &ApplicationKey,
        token: String,
        user_data: Option<String>,
        mut attributes: Texts,
    ) -> Result<DeviceKey, Error> {
        self.application(application)?;
        check(&attributes, &DEVICE)?;
        if token.is_empty() {
            return Err(Error::because("Token", "Token must not be empty"));
        }
        attributes.extend(user_data.map(|data| ("CustomUserData".to_owned(), data)));
        attributes.insert("Token".into(), token.clone());
        attributes.entry("Enabled".into()).or_insert_with(|| "true".into());
        let fresh = self.clock.uuid();
        let own = application.0.clone();
        let create = move |tx: &mut Tx<'_>| -> Result<DeviceKey, Error> {
            let of = |path: String| DeviceKey(Key { path, ..own.clone() });
            let devices = tx.load_prefix::<Device>(keys::DEVICE, &[own.record().as_slice(), b"/"].concat())?;
            let same = devices.into_iter().find(|(_, device)| device.attributes.get("Token") == Some(&token));
            if let Some((record, there)) = same {
                let key = of(keys::name_in(&record).unwrap_or_default());
                if there.attributes != attributes {
                    let reason =
                        format!("Endpoint {} already exists with the same Token, but different attributes.", key.arn());
                    return Err(Error::because("Token", reason));
                }
                return Ok(key);
            }
            let key = of(format!("{}/{fresh}", own.path));
            tx.save(keys::DEVICE, &key.0.record(), &Device { attributes: attributes.clone() })?;
            Ok(key)
        };
        self.store.transact(create).await
    }

    /// Deletes a device. It is no error if there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete_device(&self, key: &DeviceKey) -> Result<(), Error> {
        let record = key.0.record();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            tx.delete(keys::DEVICE, &record);
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// A device's attributes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn device(&self, key: &DeviceKey) -> Result<Texts, Error> {
        let found: Option<Device> = self.store.read(|snapshot| snapshot.load(keys::DEVICE, &key.0.record()))?;
        Ok(found.ok_or(Error::NotFound("Endpoint"))?.attributes)
    }

    /// Sets attributes of a device.
    ///
    /// # Errors
    /// [`Error::NotFound`], an attribute that SNS does not take, [`Error::Store`].
    pub async fn set_device(&self, key: &DeviceKey, attributes: Texts) -> Result<(), Error> {
        check(&attributes, &DEVICE)?;
        self.set(keys::DEVICE, key.0.record(), attributes, "Endpoint").await
    }

    /// All devices of an application.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn devices(&self, application: &ApplicationKey) -> Result<Vec<(DeviceKey, Texts)>, Error> {
        self.application(application)?;
        let prefix = [application.0.record().as_slice(), b"/"].concat();
        let found = self.store.read(|snapshot| snapshot.load_prefix::<Device>(keys::DEVICE, &prefix))?;
        let key = |record: &[u8]| Some(DeviceKey(Key { path: keys::name_in(record)?, ..application.0.clone() }));
        Ok(found.into_iter().filter_map(|(record, device)| Some((key(&record)?, device.attributes))).collect())
    }

    /// Takes a message for a device, which goes nowhere.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::EndpointDisabled`], a message that is none.
    pub fn push(&self, context: &RequestContext, key: &DeviceKey, draft: &Draft) -> Result<Published, Error> {
        if key.0.account != context.account || key.0.region != context.region {
            return Err(Error::invalid("TargetArn"));
        }
        let device = self.device(key)?;
        if device.get("Enabled").is_some_and(|enabled| enabled.eq_ignore_ascii_case("false")) {
            return Err(Error::EndpointDisabled);
        }
        if draft.structured {
            structure(&draft.message)?;
        }
        self.nowhere(draft, key.arn().as_str())
    }

    /// Takes a message that nobody gets.
    pub(crate) fn nowhere(&self, draft: &Draft, target: &str) -> Result<Published, Error> {
        if draft.message.is_empty() {
            return Err(Error::invalid("Empty message"));
        }
        if size(draft) > crate::model::MESSAGE_BYTES {
            return Err(Error::invalid("Message too long"));
        }
        tracing::info!(
            target,
            "a message is accepted and goes nowhere: this platform sends no texts, letters and pushes"
        );
        Ok(Published { id: self.clock.uuid(), sequence: None })
    }

    async fn set(
        &self,
        table: fogbank_store::Table,
        record: Vec<u8>,
        attributes: Texts,
        what: &'static str,
    ) -> Result<(), Error> {
        let set = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let found: Option<Application> = tx.load(table, &record)?;
            let mut found = found.ok_or(Error::NotFound(what))?;
            found.attributes.extend(attributes.clone());
            Ok(tx.save(table, &record, &found)?)
        };
        self.store.transact(set).await
    }
}

fn check(attributes: &Texts, known: &[&str]) -> Result<(), Error> {
    match attributes.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Error::because("Attributes", format!("Unknown attribute: {unknown}"))),
        None => Ok(()),
    }
}
