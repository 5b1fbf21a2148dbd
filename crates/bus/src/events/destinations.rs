//! Handlers for API destinations and their connections.

use super::shapes::{Empty, OfName, Part};
use crate::archive::Named;
use crate::connection::{Connection, ConnectionSettings};
use crate::destination::{Destination, DestinationSettings};
use crate::{Buses, Error};
use fogbank_model::{RequestContext, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

type State = Arc<Buses>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfConnection {
    name: String,
    description: Option<String>,
    authorization_type: Option<String>,
    auth_parameters: Option<Value>,
    kms_key_identifier: Option<String>,
    invocation_connectivity_parameters: Option<Value>,
}

impl OfConnection {
    fn split(self) -> Result<ConnectionSettings, Error> {
        if self.invocation_connectivity_parameters.is_some() {
            return Err(Error::invalid("Connections to private endpoints are not supported."));
        }
        Ok(ConnectionSettings {
            description: self.description,
            kind: self.authorization_type,
            parameters: self.auth_parameters,
            kms_key: self.kms_key_identifier,
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribedConnection {
    connection_arn: String,
    name: Option<String>,
    description: Option<String>,
    connection_state: String,
    authorization_type: Option<String>,
    secret_arn: Option<String>,
    kms_key_identifier: Option<String>,
    auth_parameters: Option<Value>,
    creation_time: Timestamp,
    last_modified_time: Timestamp,
    last_authorized_time: Option<Timestamp>,
}

impl DescribedConnection {
    /// What every answer about a connection says.
    fn of(key: &Named, connection: &Connection) -> Self {
        Self {
            connection_arn: connection.arn(key).to_string(),
            name: None,
            description: None,
            connection_state: connection.state.clone(),
            authorization_type: None,
            secret_arn: None,
            kms_key_identifier: None,
            auth_parameters: None,
            creation_time: connection.created,
            last_modified_time: connection.modified,
            last_authorized_time: connection.authorized,
        }
    }
}

pub(super) async fn create_connection(
    state: State,
    context: RequestContext,
    input: OfConnection,
) -> Result<DescribedConnection, Error> {
    let key = Named::of(&context, &input.name);
    let connection = state.create_connection(&key, input.split()?).await?;
    Ok(DescribedConnection { last_authorized_time: None, ..DescribedConnection::of(&key, &connection) })
}

pub(super) async fn update_connection(
    state: State,
    context: RequestContext,
    input: OfConnection,
) -> Result<DescribedConnection, Error> {
    let key = Named::of(&context, &input.name);
    let connection = state.update_connection(&key, input.split()?).await?;
    Ok(DescribedConnection::of(&key, &connection))
}

pub(super) async fn deauthorize(
    state: State,
    context: RequestContext,
    input: OfName,
) -> Result<DescribedConnection, Error> {
    let key = Named::of(&context, &input.name);
    let connection = state.deauthorize(&key).await?;
    Ok(DescribedConnection { connection_state: "DEAUTHORIZING".into(), ..DescribedConnection::of(&key, &connection) })
}

pub(super) async fn delete_connection(
    state: State,
    context: RequestContext,
    input: OfName,
) -> Result<DescribedConnection, Error> {
    let key = Named::of(&context, &input.name);
    let connection = state.delete_connection(&key).await?;
    Ok(DescribedConnection { connection_state: "DELETING".into(), ..DescribedConnection::of(&key, &connection) })
}

pub(super) async fn describe_connection(
    state: State,
    context: RequestContext,
    input: OfName,
) -> Result<DescribedConnection, Error> {
    let key = Named::of(&context, &input.name);
    let connection = state.connection(&key)?;
    Ok(DescribedConnection {
        name: Some(key.name.clone()),
        description: connection.description.clone(),
        authorization_type: Some(connection.kind.clone()),
        secret_arn: Some(connection.secret_arn(&key)),
        kms_key_identifier: connection.kms_key.clone(),
        auth_parameters: Some(connection.shown()),
        ..DescribedConnection::of(&key, &connection)
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Wanted {
    connection_state: Option<String>,
    connection_arn: Option<String>,
    #[serde(flatten)]
    part: Part,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Connections {
    connections: Vec<DescribedConnection>,
    next_token: Option<String>,
}

pub(super) async fn list_connections(
    state: State,
    context: RequestContext,
    input: Wanted,
) -> Result<Connections, Error> {
    let wanted = input.part.wanted();
    let page = state.list_connections(&context.account, &context.region, &wanted, input.connection_state.as_deref())?;
    let each = page.items.into_iter().map(|(name, connection)| {
        let key = Named::of(&context, &name);
        let authorization_type = Some(connection.kind.clone());
        DescribedConnection { name: Some(name), authorization_type, ..DescribedConnection::of(&key, &connection) }
    });
    Ok(Connections { connections: each.collect(), next_token: page.token })
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OfDestination {
    name: String,
    description: Option<String>,
    connection_arn: Option<String>,
    invocation_endpoint: Option<String>,
    http_method: Option<String>,
    invocation_rate_limit_per_second: Option<i64>,
}

impl OfDestination {
    fn split(self) -> DestinationSettings {
        DestinationSettings {
            description: self.description,
            connection: self.connection_arn,
            endpoint: self.invocation_endpoint,
            method: self.http_method,
            rate: self.invocation_rate_limit_per_second,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Described {
    api_destination_arn: String,
    name: Option<String>,
    description: Option<String>,
    api_destination_state: &'static str,
    connection_arn: Option<String>,
    invocation_endpoint: Option<String>,
    http_method: Option<String>,
    invocation_rate_limit_per_second: Option<i64>,
    creation_time: Timestamp,
    last_modified_time: Timestamp,
}

impl Described {
    /// What the answer to a change says.
    fn briefly(key: &Named, destination: &Destination, is_active: bool) -> Self {
        Self {
            api_destination_arn: destination.arn(key).to_string(),
            name: None,
            description: None,
            api_destination_state: if is_active { "ACTIVE" } else { "INACTIVE" },
            connection_arn: None,
            invocation_endpoint: None,
            http_method: None,
            invocation_rate_limit_per_second: None,
            creation_time: destination.created,
            last_modified_time: destination.modified,
        }
    }

    fn of(key: &Named, destination: Destination, is_active: bool) -> Self {
        Self {
            name: Some(key.name.clone()),
            connection_arn: Some(destination.connection.to_string()),
            invocation_endpoint: Some(destination.endpoint.clone()),
            http_method: Some(destination.method.clone()),
            invocation_rate_limit_per_second: Some(destination.rate),
            ..Self::briefly(key, &destination, is_active)
        }
    }
}

pub(super) async fn create(state: State, context: RequestContext, input: OfDestination) -> Result<Described, Error> {
    let key = Named::of(&context, &input.name);
    state.create_destination(&key, input.split()).await?;
    let (destination, is_active) = state.destination(&key)?;
    Ok(Described::briefly(&key, &destination, is_active))
}

pub(super) async fn update(state: State, context: RequestContext, input: OfDestination) -> Result<Described, Error> {
    let key = Named::of(&context, &input.name);
    state.update_destination(&key, input.split()).await?;
    let (destination, is_active) = state.destination(&key)?;
    Ok(Described::briefly(&key, &destination, is_active))
}

pub(super) async fn delete(state: State, context: RequestContext, input: OfName) -> Result<Empty, Error> {
    state.delete_destination(&Named::of(&context, &input.name)).await?;
    Ok(Empty {})
}

pub(super) async fn describe(state: State, context: RequestContext, input: OfName) -> Result<Described, Error> {
    let key = Named::of(&context, &input.name);
    let (destination, is_active) = state.destination(&key)?;
    let description = destination.description.clone();
    Ok(Described { description, ..Described::of(&key, destination, is_active) })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Destinations {
    api_destinations: Vec<Described>,
    next_token: Option<String>,
}

pub(super) async fn list(state: State, context: RequestContext, input: Wanted) -> Result<Destinations, Error> {
    let wanted = input.part.wanted();
    let page = state.list_destinations(&context.account, &context.region, &wanted, input.connection_arn.as_deref())?;
    let each = page
        .items
        .into_iter()
        .map(|(name, (destination, is_active))| Described::of(&Named::of(&context, &name), destination, is_active));
    Ok(Destinations { api_destinations: each.collect(), next_token: page.token })
}
