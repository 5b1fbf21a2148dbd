//! API destinations: HTTP endpoints that rules can have as targets.

use crate::archive::Named;
use crate::page::{Page, Wanted, page};
use crate::{Buses, Error, connection, keys};
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use fogbank_store::{Error as StoreError, Read, Tx};
use serde::{Deserialize, Serialize};

/// Calls in a second, unless said otherwise.
const RATE: i64 = 300;

/// An API destination as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// An id that no other destination has had.
    pub id: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The connection's ARN.
    pub connection: Arn,
    /// The address, with a `*` for each path parameter.
    pub endpoint: String,
    /// The HTTP method.
    pub method: String,
    /// Calls in a second at most.
    pub rate: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// What a destination is made or changed with. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct DestinationSettings {
    /// See [`Destination`].
    pub description: Option<String>,
    /// See [`Destination`].
    pub connection: Option<String>,
    /// See [`Destination`].
    pub endpoint: Option<String>,
    /// See [`Destination`].
    pub method: Option<String>,
    /// See [`Destination`].
    pub rate: Option<i64>,
}

/// Destinations with their names and whether they can be called.
pub type DestinationPage = Page<(String, (Destination, bool))>;

impl Destination {
    /// `arn:aws:events:REGION:ACCOUNT:api-destination/NAME/ID`
    pub fn arn(&self, key: &Named) -> Arn {
        let resource = format!("api-destination/{}/{}", key.name, self.id);
        Arn::new("events", &key.region, &key.account, &resource)
    }

    fn apply(&mut self, settings: &DestinationSettings) {
        let settings = settings.clone();
        if settings.description.is_some() {
            self.description = settings.description;
        }
        self.endpoint = settings.endpoint.unwrap_or_else(|| self.endpoint.clone());
        self.method = settings.method.unwrap_or_else(|| self.method.clone());
        self.rate = settings.rate.unwrap_or(self.rate);
    }
}

impl Buses {
    /// Makes an API destination.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::NotFound`] for its connection, [`Error::Store`].
    pub async fn create_destination(&self, key: &Named, settings: DestinationSettings) -> Result<Destination, Error> {
        let (id, key) = (self.clock.uuid(), key.clone());
        let create = move |tx: &mut Tx<'_>| {
            if tx.get(keys::DESTINATION, &key.key())?.is_some() {
                return Err(Error::Exists(format!("An api-destination '{}' already exists.", key.name)));
            }
            let connection = connected(tx, &key, settings.connection.as_deref().unwrap_or_default())?;
            let (created, modified) = (tx.now(), tx.now());
            let (id, endpoint, method) = (id.clone(), String::new(), String::new());
            let mut destination =
                Destination { id, description: None, connection, endpoint, method, rate: RATE, created, modified };
            destination.apply(&settings);
            tx.save(keys::DESTINATION, &key.key(), &destination)?;
            Ok(destination)
        };
        self.store.transact(create).await
    }

    /// Changes an API destination.
    ///
    /// # Errors
    /// [`Error::NotFound`] for it or its connection, [`Error::Store`].
    pub async fn update_destination(&self, key: &Named, settings: DestinationSettings) -> Result<Destination, Error> {
        let key = key.clone();
        let update = move |tx: &mut Tx<'_>| {
            let mut destination = find(tx, &key)?;
            if let Some(arn) = &settings.connection {
                destination.connection = connected(tx, &key, arn)?;
            }
            destination.apply(&settings);
            destination.modified = tx.now();
            tx.save(keys::DESTINATION, &key.key(), &destination)?;
            Ok(destination)
        };
        self.store.transact(update).await
    }

    /// Removes an API destination.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete_destination(&self, key: &Named) -> Result<(), Error> {
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| {
            find(tx, &key)?;
            tx.delete(keys::DESTINATION, &key.key());
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// The API destination called `key`, and whether it can be called.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn destination(&self, key: &Named) -> Result<(Destination, bool), Error> {
        self.store.read(|snapshot| {
            let destination = find(snapshot, key)?;
            let is_active = is_active(snapshot, &destination)?;
            Ok((destination, is_active))
        })
    }

    /// A page of an account's API destinations in a region, all or those of one connection, with whether they can be called.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a token that was never given, [`Error::Store`].
    pub fn list_destinations(
        &self,
        account: &AccountId,
        region: &Region,
        wanted: &Wanted,
        connection: Option<&str>,
    ) -> Result<DestinationPage, Error> {
        let scope = keys::scope(account, region);
        let found = page(&self.store, keys::DESTINATION, &scope, wanted, |_, destination: &Destination| {
            connection.is_none_or(|arn| arn == destination.connection.as_str())
        })?;
        let with_state = |(name, destination): (String, Destination)| {
            let is_active = self.store.read::<_, Error>(|snapshot| Ok(is_active(snapshot, &destination)?))?;
            Ok((name, (destination, is_active)))
        };
        let items = found.items.into_iter().map(with_state).collect::<Result<_, Error>>()?;
        Ok(Page { items, token: found.token })
    }
}

fn find(read: &impl Read, key: &Named) -> Result<Destination, Error> {
    let found = read.load(keys::DESTINATION, &key.key())?;
    found.ok_or_else(|| Error::NotFound(format!("An api-destination '{}' does not exist.", key.name)))
}

/// The ARN of a connection that is there.
fn connected(tx: &Tx<'_>, key: &Named, text: &str) -> Result<Arn, Error> {
    let arn: Arn = text.parse().map_err(|_| Error::bad_arn(text))?;
    let (named, _) = named(&arn, "connection/").ok_or_else(|| Error::bad_arn(text))?;
    if named.account != key.account || connection::by_arn(tx, &arn)?.is_none() {
        return Err(Error::NotFound(format!("Connection '{}' does not exist.", named.name)));
    }
    Ok(arn)
}

fn is_active(read: &impl Read, destination: &Destination) -> Result<bool, StoreError> {
    let connection = connection::by_arn(read, &destination.connection)?;
    Ok(connection.is_some_and(|connection| connection.state == "AUTHORIZED"))
}

/// The name and id in an ARN of the form `…:KIND/NAME/ID`, `kind` with its slash.
pub(crate) fn named<'a>(arn: &'a Arn, kind: &str) -> Option<(Named, &'a str)> {
    let (name, id) = arn.resource().strip_prefix(kind).filter(|_| arn.service() == "events")?.split_once('/')?;
    let (account, region) = (arn.account().parse().ok()?, arn.region().parse().ok()?);
    Some((Named { account, region, name: name.to_owned() }, id))
}

/// The API destination that an ARN names, if it is there and has the ARN's id.
pub(crate) fn by_arn(read: &impl Read, arn: &Arn) -> Result<Option<Destination>, StoreError> {
    let Some((key, id)) = named(arn, "api-destination/") else { return Ok(None) };
    let found: Option<Destination> = read.load(keys::DESTINATION, &key.key())?;
    Ok(found.filter(|destination| destination.id == id))
}
