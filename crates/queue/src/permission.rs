//! Statements of a queue's policy, by label. The policy is stored and not enforced.

use crate::model::QueueKey;
use crate::{Error, Queues};
use serde_json::{Map, Value, json};

/// Actions that can be permitted to other accounts.
const ACTIONS: [&str; 8] = [
    "*",
    "SendMessage",
    "ReceiveMessage",
    "DeleteMessage",
    "ChangeMessageVisibility",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
];
/// Actions of one statement.
const STATEMENT_ACTIONS: usize = 7;
/// Statements of one policy.
const STATEMENTS: usize = 20;

impl Queues {
    /// Adds a statement to the queue's policy.
    ///
    /// # Errors
    /// [`Error::NoQueue`], a label, account or action that SQS does not take, [`Error::OverLimit`], [`Error::Store`].
    pub async fn add_permission(
        &self,
        key: &QueueKey,
        label: String,
        accounts: &[String],
        actions: &[String],
    ) -> Result<(), Error> {
        check_label(&label)?;
        let statement = statement(key, &label, accounts, actions)?;
        self.change(key, move |tx, queue| {
            let mut policy = match &queue.attributes.policy {
                Some(text) => read(text)?,
                None => empty(key_of(&statement)),
            };
            let statements = statements(&mut policy);
            if statements.iter().any(|statement| statement["Sid"] == label) {
                let reason = "Already exists.";
                return Err(Error::value("Label", &label, reason));
            }
            if statements.len() >= STATEMENTS {
                return Err(Error::OverLimit(format!(
                    "{STATEMENTS} statements were found, maximum allowed is {STATEMENTS}."
                )));
            }
            statements.push(statement.clone());
            queue.attributes.policy = Some(Value::Object(policy).to_string());
            queue.modified = tx.now();
            Ok(())
        })
        .await
    }

    /// Removes a statement from the queue's policy.
    ///
    /// # Errors
    /// [`Error::NoQueue`], no statement of that label, [`Error::Store`].
    pub async fn remove_permission(&self, key: &QueueKey, label: String) -> Result<(), Error> {
        check_label(&label)?;
        self.change(key, move |tx, queue| {
            let missing = || Error::value("Label", &label, "can't find label on existing policy.");
            let mut policy = read(queue.attributes.policy.as_deref().ok_or_else(missing)?)?;
            let statements = statements(&mut policy);
            let before = statements.len();
            statements.retain(|statement| statement["Sid"] != label);
            if statements.len() == before {
                return Err(missing());
            }
            let is_empty = statements.is_empty();
            queue.attributes.policy = (!is_empty).then(|| Value::Object(policy).to_string());
            queue.modified = tx.now();
            Ok(())
        })
        .await
    }
}

fn check_label(label: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=80).contains(&label.len()) && label.chars().all(plain) {
        return Ok(());
    }
    let reason = "Label must be 1 to 80 alphanumeric characters, hyphens and underscores.";
    Err(Error::value("Label", label, reason))
}

fn statement(key: &QueueKey, label: &str, accounts: &[String], actions: &[String]) -> Result<Value, Error> {
    if accounts.is_empty() {
        return Err(Error::Missing("AWSAccountIds".into()));
    }
    if actions.is_empty() {
        return Err(Error::Missing("Actions".into()));
    }
    let is_account = |text: &String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(wrong) = accounts.iter().find(|account| !is_account(account)) {
        return Err(Error::value("PrincipalId", wrong, "Unable to verify."));
    }
    if let Some(wrong) = actions.iter().find(|action| !ACTIONS.contains(&action.as_str())) {
        return Err(Error::value(
            "ActionName",
            wrong,
            format!("Please refer to the appropriate WSDL for a list of valid actions: {}.", ACTIONS.join(", ")),
        ));
    }
    if actions.len() > STATEMENT_ACTIONS {
        let text = format!("{} Actions were found, maximum allowed is {STATEMENT_ACTIONS}.", actions.len());
        return Err(Error::OverLimit(text));
    }
    let principals: Vec<String> = accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions: Vec<String> = actions.iter().map(|action| format!("SQS:{action}")).collect();
    let one = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
        Ok([text]) => Value::from(text),
        Err(texts) => Value::from(texts),
    };
    Ok(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one(principals)},
        "Action": one(actions),
        "Resource": key.arn().as_str(),
    }))
}

fn key_of(statement: &Value) -> &str {
    statement["Resource"].as_str().unwrap_or_default()
}

fn empty(arn: &str) -> Map<String, Value> {
    let policy = [("Version", "2012-10-17".to_owned()), ("Id", format!("{arn}/SQSDefaultPolicy"))];
    policy.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
}

fn read(text: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(text).map_err(|_| Error::InvalidAttributeValue("Policy".into()))
}

/// The statements of a policy, as a list however they were written.
fn statements(policy: &mut Map<String, Value>) -> &mut Vec<Value> {
    let entry = policy.entry("Statement").or_insert_with(|| json!([]));
    if !entry.is_array() {
        *entry = Value::Array(vec![entry.take()]);
    }
    match entry {
        Value::Array(statements) => statements,
        _ => unreachable!("it was made a list above"),
    }
}
