//! Connections: how calls of API destinations prove who they come from. What is secret is kept, used, and never shown.

use crate::archive::Named;
use crate::page::{Page, Wanted, page};
use crate::{Buses, Error, keys};
use fogbank_model::{AccountId, Arn, Region, Timestamp};
use fogbank_store::{Read, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A connection as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// An id that no other connection has had.
    pub id: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// `BASIC`, `API_KEY` or `OAUTH_CLIENT_CREDENTIALS`.
    pub kind: String,
    /// `AuthParameters`, with what is secret.
    pub parameters: Value,
    /// The key that AWS would encrypt with; kept only.
    pub kms_key: Option<String>,
    /// `AUTHORIZED` or `DEAUTHORIZED`.
    pub state: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When it was last authorised.
    pub authorized: Option<Timestamp>,
}

/// What a connection is made or changed with. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ConnectionSettings {
    /// See [`Connection`].
    pub description: Option<String>,
    /// See [`Connection`].
    pub kind: Option<String>,
    /// See [`Connection`].
    pub parameters: Option<Value>,
    /// See [`Connection`].
    pub kms_key: Option<String>,
}

/// The member of `AuthParameters` that a kind of authorisation needs, and what must be in it.
fn needed(kind: &str) -> (&'static str, &'static [&'static str]) {
    match kind {
        "BASIC" => ("BasicAuthParameters", &["Username", "Password"]),
        "API_KEY" => ("ApiKeyAuthParameters", &["ApiKeyName", "ApiKeyValue"]),
        _ => ("OAuthParameters", &["ClientParameters", "AuthorizationEndpoint", "HttpMethod"]),
    }
}

impl Connection {
    /// `arn:aws:events:REGION:ACCOUNT:connection/NAME/ID`
    pub fn arn(&self, key: &Named) -> Arn {
        let resource = format!("connection/{}/{}", key.name, self.id);
        Arn::new("events", &key.region, &key.account, &resource)
    }

    /// Where AWS would keep its secrets.
    pub fn secret_arn(&self, key: &Named) -> String {
        let resource = format!("secret:events!connection/{}/{}", key.name, self.id);
        Arn::new("secretsmanager", &key.region, &key.account, &resource).to_string()
    }

    /// `AuthParameters` without what is secret.
    pub fn shown(&self) -> Value {
        let mut shown = self.parameters.clone();
        hide(&mut shown);
        shown
    }

    fn check(&self) -> Result<(), Error> {
        let (member, inner) = needed(&self.kind);
        let Some(given) = self.parameters.get(member).and_then(Value::as_object) else {
            return Err(Error::invalid(format!(
                "Parameter AuthParameters is not valid. Reason: {member} must be specified for {} authorization.",
                self.kind
            )));
        };
        match inner.iter().find(|name| !given.contains_key(**name)) {
            Some(name) => Err(Error::invalid(format!(
                "Parameter AuthParameters.{member} is not valid. Reason: {name} must be specified."
            ))),
            None => Ok(()),
        }
    }
}

/// Takes out what is never shown.
fn hide(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for secret in ["Password", "ApiKeyValue", "ClientSecret"] {
                members.shift_remove(secret);
            }
            if members.get("IsValueSecret") == Some(&Value::Bool(true)) {
                members.shift_remove("Value");
            }
            members.values_mut().for_each(hide);
        }
        Value::Array(elements) => elements.iter_mut().for_each(hide),
        _ => {}
    }
}

/// Puts the members of `new` over those of `old`, to any depth, so that an update may leave secrets out.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                merge(old.entry(name).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new,
    }
}

impl Buses {
    /// Makes a connection.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Invalid`], [`Error::Store`].
    pub async fn create_connection(&self, key: &Named, settings: ConnectionSettings) -> Result<Connection, Error> {
        let now = self.clock.now();
        let connection = Connection {
            id: self.clock.uuid(),
            description: settings.description,
            kind: settings.kind.unwrap_or_default(),
            parameters: settings.parameters.unwrap_or(Value::Object(Map::new())),
            kms_key: settings.kms_key,
            state: "AUTHORIZED".into(),
            created: now,
            modified: now,
            authorized: Some(now),
        };
        connection.check()?;
        let key = key.clone();
        let create = move |tx: &mut Tx<'_>| {
            if tx.get(keys::CONNECTION, &key.key())?.is_some() {
                return Err(Error::Exists(format!("Connection {} already exists.", key.name)));
            }
            tx.save(keys::CONNECTION, &key.key(), &connection)?;
            Ok(connection.clone())
        };
        self.store.transact(create).await
    }

    /// Changes a connection, and authorises it anew.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::Store`].
    pub async fn update_connection(&self, key: &Named, settings: ConnectionSettings) -> Result<Connection, Error> {
        self.change_connection(key, move |connection, now| {
            let settings = settings.clone();
            if settings.description.is_some() {
                connection.description = settings.description;
            }
            if settings.kms_key.is_some() {
                connection.kms_key = settings.kms_key;
            }
            let kind_changes = settings.kind.as_ref().is_some_and(|kind| *kind != connection.kind);
            if let Some(kind) = settings.kind.filter(|_| kind_changes) {
                connection.parameters.as_object_mut().into_iter().for_each(|members| {
                    members.shift_remove(needed(&connection.kind).0);
                });
                connection.kind = kind;
            }
            if let Some(parameters) = settings.parameters {
                merge(&mut connection.parameters, parameters);
            }
            connection.state = "AUTHORIZED".into();
            connection.authorized = Some(now);
            connection.check()
        })
        .await
    }

    /// Forgets a connection's secrets.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn deauthorize(&self, key: &Named) -> Result<Connection, Error> {
        self.change_connection(key, |connection, _| {
            hide(&mut connection.parameters);
            connection.state = "DEAUTHORIZED".into();
            Ok(())
        })
        .await
    }

    async fn change_connection(
        &self,
        key: &Named,
        change: impl Fn(&mut Connection, Timestamp) -> Result<(), Error> + Send + 'static,
    ) -> Result<Connection, Error> {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| {
            let mut connection = find(tx, &key)?;
            change(&mut connection, tx.now())?;
            connection.modified = tx.now();
            tx.save(keys::CONNECTION, &key.key(), &connection)?;
            Ok(connection)
        };
        self.store.transact(change).await
    }

    /// Removes a connection. Destinations that use it call nobody from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete_connection(&self, key: &Named) -> Result<Connection, Error> {
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| {
            let connection = find(tx, &key)?;
            tx.delete(keys::CONNECTION, &key.key());
            Ok(connection)
        };
        self.store.transact(delete).await
    }

    /// The connection called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn connection(&self, key: &Named) -> Result<Connection, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of an account's connections in a region, all or those of one state.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a token that was never given, [`Error::Store`].
    pub fn list_connections(
        self: &Arc<Self>,
        account: &AccountId,
        region: &Region,
        wanted: &Wanted,
        state: Option<&str>,
    ) -> Result<Page<(String, Connection)>, Error> {
        let scope = keys::scope(account, region);
        page(&self.store, keys::CONNECTION, &scope, wanted, |_, connection: &Connection| {
            state.is_none_or(|state| state == connection.state)
        })
    }
}

/// The connection called `key`.
pub(crate) fn find(read: &impl Read, key: &Named) -> Result<Connection, Error> {
    let found = read.load(keys::CONNECTION, &key.key())?;
    found.ok_or_else(|| Error::NotFound(format!("Connection '{}' does not exist.", key.name)))
}

/// The connection that an ARN names, if it is there and has the ARN's id.
pub(crate) fn by_arn(read: &impl Read, arn: &Arn) -> Result<Option<Connection>, fogbank_store::Error> {
    let Some((key, id)) = crate::destination::named(arn, "connection/") else { return Ok(None) };
    let found: Option<Connection> = read.load(keys::CONNECTION, &key.key())?;
    Ok(found.filter(|connection| connection.id == id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_not_shown_and_survive_an_update_that_leaves_them_out() {
        let mut parameters = json!({
            "OAuthParameters": {
                "ClientParameters": {"ClientID": "me", "ClientSecret": "s"},
                "OAuthHttpParameters": {"BodyParameters": [
                    {"Key": "a", "Value": "1", "IsValueSecret": true}, {"Key": "b", "Value": "2", "IsValueSecret": false},
                ]},
            },
        });
        merge(&mut parameters, json!({"OAuthParameters": {"ClientParameters": {"ClientID": "you"}}}));
        assert_eq!(parameters["OAuthParameters"]["ClientParameters"], json!({"ClientID": "you", "ClientSecret": "s"}));
        hide(&mut parameters);
        let expected = json!({
            "OAuthParameters": {
                "ClientParameters": {"ClientID": "you"},
                "OAuthHttpParameters": {"BodyParameters": [
                    {"Key": "a", "IsValueSecret": true}, {"Key": "b", "Value": "2", "IsValueSecret": false},
                ]},
            },
        });
        assert_eq!(parameters, expected);
    }
}
