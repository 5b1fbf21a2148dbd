//! Making, finding, changing and removing buses.

use crate::model::{BUSES, Bus, BusKey, DEFAULT, Tags};
use crate::page::{Page, Wanted};
use crate::{Buses, Error, keys, tagging};
use fogbank_model::{AccountId, Arn, Region};
use fogbank_store::{Read, Tx};

/// What a bus is made or changed with. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct BusSettings {
    /// See [`Bus`].
    pub description: Option<String>,
    /// See [`Bus`].
    pub kms_key: Option<String>,
    /// See [`Bus`].
    pub dead_letter: Option<crate::model::DeadLetterConfig>,
    /// See [`Bus`].
    pub log_config: Option<serde_json::Value>,
}

impl BusSettings {
    fn apply(&self, bus: &mut Bus) {
        let put = |new: &Option<String>, old: &mut Option<String>| {
            if let Some(text) = new {
                *old = Some(text.clone()).filter(|text| !text.is_empty());
            }
        };
        put(&self.description, &mut bus.description);
        put(&self.kms_key, &mut bus.kms_key);
        if let Some(config) = &self.dead_letter {
            bus.dead_letter = Some(config.clone()).filter(|config| config.arn.is_some());
        }
        if let Some(config) = &self.log_config {
            bus.log_config = Some(config.clone());
        }
    }
}

impl Buses {
    /// Makes a bus.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Limit`], an invalid name or tag, [`Error::Store`].
    pub async fn create(&self, key: &BusKey, settings: BusSettings, tags: Tags) -> Result<(), Error> {
        check_name(&key.name)?;
        tagging::check(&tags)?;
        let key = key.clone();
        let create = move |tx: &mut Tx<'_>| {
            if lookup(tx, &key)?.is_some() {
                return Err(Error::Exists(format!("Event bus {} already exists.", key.name)));
            }
            if tx.scan_prefix(keys::BUS, &keys::scope(&key.account, &key.region), BUSES)?.len() >= BUSES {
                return Err(Error::too_many());
            }
            let now = Some(tx.now());
            let mut bus = Bus { tags: tags.clone(), created: now, modified: now, ..Bus::default() };
            settings.apply(&mut bus);
            Ok(tx.save(keys::BUS, &keys::bus(&key), &bus)?)
        };
        self.store.transact(create).await
    }

    /// Changes a bus.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn update(&self, key: &BusKey, settings: BusSettings) -> Result<Bus, Error> {
        let key = key.clone();
        let update = move |tx: &mut Tx<'_>| {
            let mut bus = find(tx, &key)?;
            settings.apply(&mut bus);
            bus.modified = Some(tx.now());
            tx.save(keys::BUS, &keys::bus(&key), &bus)?;
            Ok(bus)
        };
        self.store.transact(update).await
    }

    /// Removes a bus. It is no error if there is none.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the default bus and for one that has rules, [`Error::Store`].
    pub async fn delete(&self, key: &BusKey) -> Result<(), Error> {
        if key.name == DEFAULT {
            return Err(Error::invalid("Cannot delete event bus default."));
        }
        let removed = key.clone();
        let delete = move |tx: &mut Tx<'_>| {
            if !tx.scan_prefix(keys::RULE, &keys::rules(&removed), 1)?.is_empty() {
                return Err(Error::invalid(format!("Event bus {} can't be deleted since it has rules.", removed.name)));
            }
            tx.delete(keys::BUS, &keys::bus(&removed));
            tx.delete(keys::STAMP, &keys::bus(&removed));
            Ok(())
        };
        self.store.transact(delete).await?;
        self.forget_rules(key);
        Ok(())
    }

    /// The bus called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn bus(&self, key: &BusKey) -> Result<Bus, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of an account's buses in a region. The default one is among them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a token that was never given, [`Error::Store`].
    pub fn list(&self, account: &AccountId, region: &Region, wanted: &Wanted) -> Result<Page<(String, Bus)>, Error> {
        // There are few of them, and the default one may not be on record.
        let scope = keys::scope(account, region);
        let found = self.store.read::<_, Error>(|snapshot| Ok(snapshot.load_prefix::<Bus>(keys::BUS, &scope)?))?;
        let named = |(key, bus): (Vec<u8>, Bus)| Some((keys::name_of(&key)?.to_owned(), bus));
        let mut buses: Vec<(String, Bus)> = found.into_iter().filter_map(named).collect();
        if !buses.iter().any(|(name, _)| name == DEFAULT) {
            buses.push((DEFAULT.into(), Bus::default()));
            buses.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        wanted.of(buses, |(name, _)| name)
    }
}

/// The bus called `key`, if there is one.
pub(crate) fn lookup(read: &impl Read, key: &BusKey) -> Result<Option<Bus>, fogbank_store::Error> {
    let found = read.load(keys::BUS, &keys::bus(key))?;
    Ok(found.or_else(|| (key.name == DEFAULT).then(Bus::default)))
}

/// The bus called `key`.
pub(crate) fn find(read: &impl Read, key: &BusKey) -> Result<Bus, Error> {
    lookup(read, key)?.ok_or_else(|| Error::no_bus(&key.name))
}

/// The bus that `text` names: a name in the given account and region, or an ARN.
pub(crate) fn key(account: &AccountId, region: &Region, text: Option<&str>) -> Result<BusKey, Error> {
    let named = |name: &str| BusKey { account: account.clone(), region: region.clone(), name: name.into() };
    match text {
        None => Ok(named(DEFAULT)),
        Some(arn) if arn.starts_with("arn:") => {
            arn.parse::<Arn>().ok().as_ref().and_then(BusKey::from_arn).ok_or_else(|| Error::bad_arn(arn))
        }
        Some(name) => Ok(named(name)),
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.contains('/') {
        return Err(Error::invalid("Event bus name must not contain '/'."));
    }
    if name.starts_with("aws.") {
        return Err(Error::invalid("Event bus name starting with 'aws.' is not valid."));
    }
    Ok(())
}
