//! Integrations of an HTTP API: Lambda proxies.

use super::{HttpApi, Integration, Payload, quota, within};
use crate::ids::Ids;
use crate::{Error, lambda_uri};

/// What a request says about an integration; what it leaves out stays, or has its default.
#[derive(Debug, Clone, Default)]
pub(crate) struct IntegrationChange {
    pub kind: Option<String>,
    pub uri: Option<String>,
    pub method: Option<String>,
    pub payload: Option<String>,
    pub timeout_ms: Option<i64>,
    pub description: Option<String>,
}

impl IntegrationChange {
    /// Refuses other types than Lambda proxies.
    pub fn check_kind(&self) -> Result<(), Error> {
        match self.kind.as_deref().filter(|kind| !kind.eq_ignore_ascii_case("AWS_PROXY")) {
            None => Ok(()),
            Some(kind) => {
                Err(Error::Unsupported(format!("integrations of the type {kind} yet; use AWS_PROXY with a function.")))
            }
        }
    }

    fn apply(&self, integration: &mut Integration) -> Result<(), Error> {
        self.check_kind()?;
        if let Some(uri) = &self.uri {
            lambda_uri::check(uri)?;
            integration.uri.clone_from(uri);
        }
        if let Some(payload) = &self.payload {
            integration.payload = Payload::parse(payload)?;
        }
        if let Some(limit) = self.timeout_ms {
            check_timeout(limit)?;
            integration.timeout_ms = limit;
        }
        integration.method = self.method.clone().or_else(|| integration.method.take());
        integration.description = self.description.clone().or_else(|| integration.description.take());
        Ok(())
    }
}

fn check_timeout(limit: i64) -> Result<(), Error> {
    match quota::TIMEOUT_MS.contains(&limit) {
        true => Ok(()),
        false => Err(Error::bad("Timeout should be between 50 ms and 30000 ms.")),
    }
}

impl HttpApi {
    pub fn integration(&self, id: &str) -> Result<&Integration, Error> {
        let found = self.integrations.get(id);
        found.ok_or_else(|| Error::NotFound(format!("Invalid Integration identifier specified {id}")))
    }

    pub fn create_integration(&mut self, ids: &Ids, change: &IntegrationChange) -> Result<Integration, Error> {
        within(self.integrations.len(), quota::ROUTES, "integrations")?;
        if change.uri.is_none() {
            return Err(Error::bad("IntegrationUri is required: the ARN of a function."));
        }
        if change.payload.is_none() {
            return Err(Error::bad(
                "PayloadFormatVersion is a required parameter for integrations of the type AWS_PROXY: 1.0 or 2.0.",
            ));
        }
        let mut integration = Integration {
            id: ids.make(7),
            uri: String::new(),
            method: Some("POST".into()),
            payload: Payload::V2,
            timeout_ms: *quota::TIMEOUT_MS.end(),
            description: None,
            managed: false,
        };
        change.apply(&mut integration)?;
        self.integrations.insert(integration.id.clone(), integration.clone());
        Ok(integration)
    }

    pub fn update_integration(&mut self, id: &str, change: &IntegrationChange) -> Result<Integration, Error> {
        let mut integration = self.integration(id)?.clone();
        change.apply(&mut integration)?;
        self.integrations.insert(id.into(), integration.clone());
        Ok(integration)
    }

    pub fn delete_integration(&mut self, id: &str) -> Result<(), Error> {
        self.integration(id)?;
        let target = format!("integrations/{id}");
        let user = self.routes.values().find(|route| route.target.as_deref() == Some(&target));
        if let Some(route) = user {
            return Err(Error::Conflict(format!(
                "Cannot delete Integration with id '{id}' because it is referenced by the route '{}'; delete that first.",
                route.key
            )));
        }
        self.integrations.remove(id);
        Ok(())
    }
}
