//! Archives: what came over a bus, kept for replays.

use crate::buses::find as find_bus;
use crate::event::Event;
use crate::model::BusKey;
use crate::page::{Page, Wanted, page};
use crate::{Buses, Error, keys, sweep};
use fogbank_expressions::Pattern;
use fogbank_model::{AccountId, Arn, Region, RequestContext, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Names an archive, a replay, a connection or an API destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The account that it belongs to.
    pub account: AccountId,
    /// The region that it is in.
    pub region: Region,
    /// Its name.
    pub name: String,
}

impl Named {
    /// What is called `name` in the request's account and region.
    pub fn of(context: &RequestContext, name: &str) -> Self {
        Self { account: context.account.clone(), region: context.region.clone(), name: name.into() }
    }

    /// `arn:aws:events:REGION:ACCOUNT:KIND/NAME`
    pub fn arn(&self, kind: &str) -> Arn {
        Arn::new("events", &self.region, &self.account, &format!("{kind}/{}", self.name))
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        keys::named(&self.account, &self.region, &self.name)
    }
}

/// An archive as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Archive {
    /// The bus.
    pub source: Arn,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The events that it keeps; all if there is none.
    pub pattern: Option<String>,
    /// How long it keeps them; 0 for ever.
    pub retention_days: i64,
    /// The key that AWS would encrypt with; kept only.
    pub kms_key: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Where its events are: an id that no other archive has had.
    pub place: String,
    /// Which of its sweeps counts.
    pub sweep: u64,
}

/// How much an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events.
    pub events: i64,
    /// Their bytes.
    pub bytes: i64,
    /// The number of the last one that came.
    pub last: u64,
}

/// What an archive is made or changed with. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ArchiveSettings {
    /// See [`Archive`].
    pub description: Option<String>,
    /// See [`Archive`].
    pub pattern: Option<String>,
    /// See [`Archive`].
    pub retention_days: Option<i64>,
    /// See [`Archive`].
    pub kms_key: Option<String>,
}

impl ArchiveSettings {
    fn check(&self) -> Result<(), Error> {
        self.pattern.as_deref().map(Pattern::parse).transpose()?;
        Ok(())
    }

    fn apply(&self, archive: &mut Archive) {
        let put = |new: &Option<String>, old: &mut Option<String>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        put(&self.description, &mut archive.description);
        put(&self.pattern, &mut archive.pattern);
        put(&self.kms_key, &mut archive.kms_key);
        archive.retention_days = self.retention_days.unwrap_or(archive.retention_days);
    }
}

/// Which archives or replays are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this state.
    pub state: Option<String>,
    /// Only those of this source.
    pub source: Option<String>,
}

impl Filter {
    pub(crate) fn check(&self, wanted: &Wanted, operation: &str) -> Result<(), Error> {
        let given = [self.state.is_some(), self.source.is_some(), !wanted.prefix.is_empty()];
        if given.iter().filter(|is_given| **is_given).count() > 1 {
            return Err(Error::invalid(format!(
                "At most one filter is allowed for {operation}. Use either : State, EventSourceArn, or NamePrefix."
            )));
        }
        Ok(())
    }
}

/// Archives with their names and how much they hold.
pub type ArchivePage = Page<(String, (Archive, Tally))>;

/// The state of every archive: making one takes no time.
pub(crate) const STATE: &str = "ENABLED";

impl Buses {
    /// Makes an archive of the bus `source`.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotFound`] for the bus, [`Error::Pattern`], [`Error::Store`].
    pub async fn create_archive(
        self: &Arc<Self>,
        key: &Named,
        source: &Arn,
        settings: ArchiveSettings,
    ) -> Result<Archive, Error> {
        settings.check()?;
        let bus = BusKey::from_arn(source).filter(|bus| bus.account == key.account && bus.region == key.region);
        let bus = bus.ok_or_else(|| Error::no_bus(source.resource().rsplit('/').next().unwrap_or_default()))?;
        let place = self.clock.uuid();
        let (this, key, source) = (self.clone(), key.clone(), source.clone());
        let create = move |tx: &mut Tx<'_>| {
            if tx.get(keys::ARCHIVE, &key.key())?.is_some() {
                return Err(Error::Exists(format!("Archive {} already exists.", key.name)));
            }
            find_bus(tx, &bus)?;
            let mut archive = Archive {
                source: source.clone(),
                description: None,
                pattern: None,
                retention_days: 0,
                kms_key: None,
                created: tx.now(),
                place: place.clone(),
                sweep: 0,
            };
            settings.apply(&mut archive);
            sweep::arm(tx, &key, &archive)?;
            tx.save(keys::ARCHIVE, &key.key(), &archive)?;
            this.stamp(tx, &bus);
            Ok(archive)
        };
        self.store.transact(create).await
    }

    /// Changes an archive.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Pattern`], [`Error::Store`].
    pub async fn update_archive(self: &Arc<Self>, key: &Named, settings: ArchiveSettings) -> Result<Archive, Error> {
        settings.check()?;
        let (this, key) = (self.clone(), key.clone());
        let update = move |tx: &mut Tx<'_>| {
            let mut archive = find(tx, &key)?;
            settings.apply(&mut archive);
            archive.sweep += 1;
            sweep::arm(tx, &key, &archive)?;
            tx.save(keys::ARCHIVE, &key.key(), &archive)?;
            if let Some(bus) = BusKey::from_arn(&archive.source) {
                this.stamp(tx, &bus);
            }
            Ok(archive)
        };
        self.store.transact(update).await
    }

    /// Removes an archive and, soon after, its events.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete_archive(self: &Arc<Self>, key: &Named) -> Result<(), Error> {
        let (this, key) = (self.clone(), key.clone());
        let delete = move |tx: &mut Tx<'_>| {
            let archive = find(tx, &key)?;
            tx.delete(keys::ARCHIVE, &key.key());
            sweep::clear(tx, &archive.place)?;
            if let Some(bus) = BusKey::from_arn(&archive.source) {
                this.stamp(tx, &bus);
            }
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// The archive called `key`, and how much it holds.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn archive(&self, key: &Named) -> Result<(Archive, Tally), Error> {
        self.store.read(|snapshot| {
            let archive = find(snapshot, key)?;
            let tally = tally(snapshot, &archive.place)?;
            Ok((archive, tally))
        })
    }

    /// A page of an account's archives in a region.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than one filter and for a token that was never given, [`Error::Store`].
    pub fn list_archives(
        &self,
        account: &AccountId,
        region: &Region,
        wanted: &Wanted,
        filter: &Filter,
    ) -> Result<ArchivePage, Error> {
        filter.check(wanted, "ListArchives")?;
        let fits = |archive: &Archive| {
            filter.state.as_deref().is_none_or(|state| state == STATE)
                && filter.source.as_deref().is_none_or(|source| source == archive.source.as_str())
        };
        let scope = keys::scope(account, region);
        let found = page(&self.store, keys::ARCHIVE, &scope, wanted, |_, archive: &Archive| fits(archive))?;
        let with_tally = |(name, archive): (String, Archive)| {
            let tally = self.store.read::<_, Error>(|snapshot| Ok(tally(snapshot, &archive.place)?))?;
            Ok((name, (archive, tally)))
        };
        let items = found.items.into_iter().map(with_tally).collect::<Result<_, Error>>()?;
        Ok(Page { items, token: found.token })
    }
}

/// The archive called `key`.
pub(crate) fn find(read: &impl Read, key: &Named) -> Result<Archive, Error> {
    let found = read.load(keys::ARCHIVE, &key.key())?;
    found.ok_or_else(|| Error::NotFound(format!("Archive {} does not exist.", key.name)))
}

pub(crate) fn tally(read: &impl Read, place: &str) -> Result<Tally, StoreError> {
    Ok(read.load(keys::TALLY, place.as_bytes())?.unwrap_or_default())
}

/// Keeps an event.
pub(crate) fn keep(tx: &mut Tx<'_>, place: &str, event: &Event) -> Result<(), StoreError> {
    let mut tally = tally(tx, place)?;
    tally.last += 1;
    tally.events += 1;
    tally.bytes += event.text.len() as i64;
    let at = event.time().unwrap_or(tx.now());
    tx.put(keys::ARCHIVED, &keys::archived(place, at, tally.last), event.text.as_bytes());
    tx.save(keys::TALLY, place.as_bytes(), &tally)
}
