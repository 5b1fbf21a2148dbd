//! Resource policies of functions: who may call them.

use crate::model::{Function, FunctionKey, Policy};
use crate::registry::Turn;
use crate::{Error, Functions, limits};
use fogbank_model::{Arn, Qualifier};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A statement to be added.
#[derive(Debug, Clone, Default)]
pub struct Permission {
    /// Its id within the policy.
    pub statement_id: String,
    /// Such as `lambda:InvokeFunction`.
    pub action: String,
    /// A service, an account, an ARN, or `*`.
    pub principal: String,
    /// Only for this resource of the service.
    pub source_arn: Option<String>,
    /// Only for resources of this account.
    pub source_account: Option<String>,
    /// Only for members of this organisation.
    pub organization: Option<String>,
    /// Only with this token (Alexa).
    pub event_source_token: Option<String>,
    /// Only through a function URL of this kind.
    pub url_auth_type: Option<String>,
    /// Only through a function URL.
    pub via_url: Option<bool>,
}

impl Permission {
    /// The statement as IAM writes it, for a resource.
    pub(crate) fn statement(&self, resource: &Arn) -> Value {
        let mut condition: Map<String, Value> = Map::new();
        let mut add = |operator: &str, key: &str, value: Option<Value>| {
            if let Some(value) = value {
                condition.entry(operator).or_insert_with(|| json!({}))[key] = value;
            }
        };
        let text = |value: &Option<String>| value.clone().map(Value::String);
        add("StringEquals", "AWS:SourceAccount", text(&self.source_account));
        add("StringEquals", "lambda:FunctionUrlAuthType", text(&self.url_auth_type));
        add("StringEquals", "aws:PrincipalOrgID", text(&self.organization));
        add("StringEquals", "lambda:EventSourceToken", text(&self.event_source_token));
        add("Bool", "lambda:InvokedViaFunctionUrl", self.via_url.map(|via| Value::String(via.to_string())));
        add("ArnLike", "AWS:SourceArn", text(&self.source_arn));
        let mut statement = json!({
            "Sid": self.statement_id,
            "Effect": "Allow",
            "Principal": principal(&self.principal),
            "Action": self.action,
            "Resource": resource.as_str(),
        });
        if !condition.is_empty() {
            statement["Condition"] = Value::Object(condition);
        }
        statement
    }
}

fn principal(text: &str) -> Value {
    match text {
        "*" => json!("*"),
        account if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) => {
            json!({"AWS": format!("arn:aws:iam::{account}:root")})
        }
        arn if arn.starts_with("arn:") => json!({"AWS": arn}),
        service => json!({"Service": service}),
    }
}

/// The key of a qualifier's parts: no qualifier means the function itself, `$LATEST`.
pub(crate) fn part(qualifier: Option<&Qualifier>) -> String {
    qualifier.unwrap_or(&Qualifier::Latest).to_string()
}

impl Policy {
    /// Adds a statement made of `permission`.
    pub(crate) fn add(&mut self, permission: &Permission, resource: &Arn, turn: &Turn) -> Result<Value, Error> {
        let id = &permission.statement_id;
        if self.position(id).is_some() {
            return Err(Error::Conflict(format!(
                "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing statement."
            )));
        }
        let statement = permission.statement(resource);
        self.statements.push(statement.clone());
        let size = self.document().len();
        if size > limits::POLICY_BYTES {
            let limit = limits::POLICY_BYTES;
            return Err(Error::PolicyTooLarge(format!(
                "The final policy size ({size}) is bigger than the limit ({limit})."
            )));
        }
        self.revision = turn.clock.uuid();
        Ok(statement)
    }

    /// Removes the statement `id`.
    pub(crate) fn remove(&mut self, id: &str, turn: &Turn) -> Result<(), Error> {
        let missing = || Error::NotFound(format!("Statement {id} is not found in resource policy."));
        self.statements.remove(self.position(id).ok_or_else(missing)?);
        self.revision = turn.clock.uuid();
        Ok(())
    }
}

impl Functions {
    /// Adds a statement to the policy of a function, a version or an alias, and returns it as JSON.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], [`Error::Precondition`], [`Error::InvalidParameter`], [`Error::PolicyTooLarge`].
    pub async fn add_permission(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        permission: Permission,
        revision: Option<&str>,
    ) -> Result<String, Error> {
        if qualifier == Some(&Qualifier::Latest) {
            return Err(Error::invalid("We currently do not support adding policies for $LATEST."));
        }
        let edit = |function: &mut Function, turn: &Turn| {
            function.version(qualifier)?;
            let resource = qualifier.map_or_else(|| key.arn(), |qualifier| key.qualified_arn(qualifier));
            let mut policy = current(function, qualifier, revision)?.unwrap_or_default();
            let statement = policy.add(&permission, &resource, turn)?;
            function.policies.insert(part(qualifier), Arc::new(policy));
            Ok(statement.to_string())
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Removes a statement.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Precondition`].
    pub async fn remove_permission(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        statement_id: &str,
        revision: Option<&str>,
    ) -> Result<(), Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            let none = || Error::NotFound("No policy is associated with the given resource.".into());
            let mut policy = current(function, qualifier, revision)?.ok_or_else(none)?;
            policy.remove(statement_id, turn)?;
            match policy.statements.is_empty() {
                true => drop(function.policies.remove(&part(qualifier))),
                false => drop(function.policies.insert(part(qualifier), Arc::new(policy))),
            }
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }

    /// The policy of a function, a version or an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn policy(&self, key: &FunctionKey, qualifier: Option<&Qualifier>) -> Result<Arc<Policy>, Error> {
        let function = self.function(key)?;
        let none = || Error::NotFound("The resource you requested does not exist.".into());
        function.policies.get(&part(qualifier)).cloned().ok_or_else(none)
    }
}

fn current(
    function: &Function,
    qualifier: Option<&Qualifier>,
    revision: Option<&str>,
) -> Result<Option<Policy>, Error> {
    let policy = function.policies.get(&part(qualifier));
    match (policy, revision) {
        (Some(policy), Some(revision)) if policy.revision != revision => Err(Error::revision()),
        (None, Some(_)) => Err(Error::revision()),
        (policy, _) => Ok(policy.map(|policy| Policy::clone(policy))),
    }
}
