//! Who may send to a bus: its policy, by statement or as a whole.

use crate::buses::find;
use crate::model::{Bus, BusKey};
use crate::{Buses, Error, keys};
use fogbank_model::AccountId;
use fogbank_store::Tx;
use serde_json::{Map, Value, json};

/// Bytes of a policy at most.
const LONGEST: usize = 10_240;

/// A statement as `PutPermission` names its parts.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// `events:PutEvents`.
    pub action: Option<String>,
    /// An account, or `*`.
    pub principal: Option<String>,
    /// Its name.
    pub id: Option<String>,
    /// Type, key and value of a condition.
    pub condition: Option<(String, String, String)>,
}

impl Buses {
    /// Puts a statement into a bus's policy, over one of the same name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::PolicyTooLong`], [`Error::Store`].
    pub async fn put_statement(&self, key: &BusKey, statement: Statement) -> Result<(), Error> {
        let required = |part: &Option<String>, name: &str| {
            part.clone().ok_or_else(|| Error::invalid(format!("Parameter(s) {name} must be specified.")))
        };
        let action = required(&statement.action, "Action")?;
        let principal = required(&statement.principal, "Principal")?;
        let id = required(&statement.id, "StatementId")?;
        if action != "events:PutEvents" {
            return Err(Error::invalid("Provided value in parameter 'action' is not supported."));
        }
        let principal = match principal.as_str() {
            "*" => json!("*"),
            account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
        };
        let mut made = json!({
            "Sid": id, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": key.arn().as_str(),
        });
        if let Some((kind, name, value)) = statement.condition {
            made["Condition"] = Value::Object(Map::from_iter([(kind, json!({name: value}))]));
        }
        self.change_policy(key, move |bus| {
            let mut statements = statements(bus);
            statements.retain(|statement| statement["Sid"] != made["Sid"]);
            statements.push(made.clone());
            Ok(Some(json!({"Version": "2012-10-17", "Statement": statements})))
        })
        .await
    }

    /// Puts a whole policy in the place of a bus's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`], [`Error::PolicyTooLong`], [`Error::Store`].
    pub async fn put_policy(&self, key: &BusKey, text: &str) -> Result<(), Error> {
        let policy = serde_json::from_str::<Value>(text).ok().filter(|policy| policy["Statement"] != Value::Null);
        let policy = policy.ok_or_else(|| Error::invalid("Provided policy is not a valid policy document."))?;
        self.change_policy(key, move |_| Ok(Some(policy.clone()))).await
    }

    /// Removes a statement, or all.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a bus without a policy or statement of the name, [`Error::Invalid`], [`Error::Store`].
    pub async fn remove_permission(&self, key: &BusKey, id: Option<String>, all: bool) -> Result<(), Error> {
        let Some(id) = id.filter(|_| !all) else {
            return match all {
                true => self.change_policy(key, |_| Ok(None)).await,
                false => Err(Error::invalid("Parameter StatementId is required.")),
            };
        };
        self.change_policy(key, move |bus| {
            if bus.policy.is_none() {
                return Err(Error::NotFound("EventBus does not have a policy.".into()));
            }
            let mut left = statements(bus);
            let before = left.len();
            left.retain(|statement| statement["Sid"] != json!(id));
            if left.len() == before {
                return Err(Error::NotFound("Statement with the provided id does not exist.".into()));
            }
            Ok((!left.is_empty()).then(|| json!({"Version": "2012-10-17", "Statement": left})))
        })
        .await
    }

    async fn change_policy(
        &self,
        key: &BusKey,
        change: impl Fn(&Bus) -> Result<Option<Value>, Error> + Send + 'static,
    ) -> Result<(), Error> {
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| {
            let mut bus = find(tx, &key)?;
            bus.policy = change(&bus)?;
            if bus.policy.as_ref().is_some_and(|policy| policy.to_string().len() > LONGEST) {
                return Err(Error::PolicyTooLong);
            }
            bus.modified = Some(tx.now());
            Ok(tx.save(keys::BUS, &keys::bus(&key), &bus)?)
        };
        self.store.transact(change).await
    }
}

fn statements(bus: &Bus) -> Vec<Value> {
    match bus.policy.as_ref().map(|policy| &policy["Statement"]) {
        Some(Value::Array(statements)) => statements.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![one.clone()],
    }
}

/// Whether a bus takes events of another account: one of its statements names the account, or everybody without a condition.
pub(crate) fn lets_in(bus: &Bus, account: &AccountId) -> bool {
    let is_account = |text: &str| text == account.as_str() || text.starts_with(&format!("arn:aws:iam::{account}:"));
    let named = |principal: &Value| match principal {
        Value::String(text) => text == "*" || is_account(text),
        Value::Array(all) => all.iter().filter_map(Value::as_str).any(|text| text == "*" || is_account(text)),
        _ => false,
    };
    statements(bus).iter().any(|statement| {
        let principal = &statement["Principal"];
        statement["Effect"] == "Allow"
            && statement.get("Condition").is_none()
            && (named(principal) || principal.get("AWS").is_some_and(named))
    })
}
