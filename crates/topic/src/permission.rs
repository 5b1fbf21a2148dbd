//! Statements of a topic's policy, by label. The policy is stored and not enforced.

use crate::model::TopicKey;
use crate::{Error, Topics, attributes};
use serde_json::{Map, Value, json};

/// Actions that can be permitted to other accounts.
const ACTIONS: [&str; 9] = [
    "Publish",
    "RemovePermission",
    "SetTopicAttributes",
    "DeleteTopic",
    "ListSubscriptionsByTopic",
    "GetTopicAttributes",
    "Receive",
    "AddPermission",
    "Subscribe",
];

impl Topics {
    /// Adds a statement to the topic's policy.
    ///
    /// # Errors
    /// [`Error::NotFound`], a label, account or action that SNS does not take, [`Error::Store`].
    pub async fn add_permission(
        &self,
        key: &TopicKey,
        label: String,
        accounts: Vec<String>,
        actions: Vec<String>,
    ) -> Result<(), Error> {
        let statement = statement(key, &label, accounts, actions)?;
        let own = key.clone();
        self.change(key, move |topic| {
            let mut policy = read(&own, topic.attributes.get("Policy"))?;
            let statements = statements(&mut policy);
            if statements.iter().any(|statement| statement["Sid"] == label) {
                return Err(Error::invalid("Statement already exists"));
            }
            statements.push(statement.clone());
            topic.attributes.insert("Policy".into(), Value::Object(policy).to_string());
            Ok(())
        })
        .await
    }

    /// Removes a statement from the topic's policy. It is no error if there is none of the label.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn remove_permission(&self, key: &TopicKey, label: String) -> Result<(), Error> {
        let own = key.clone();
        self.change(key, move |topic| {
            let mut policy = read(&own, topic.attributes.get("Policy"))?;
            statements(&mut policy).retain(|statement| statement["Sid"] != label);
            topic.attributes.insert("Policy".into(), Value::Object(policy).to_string());
            Ok(())
        })
        .await
    }
}

fn statement(key: &TopicKey, label: &str, accounts: Vec<String>, actions: Vec<String>) -> Result<Value, Error> {
    if label.is_empty() {
        return Err(Error::invalid("Label"));
    }
    let is_account = |text: &String| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if accounts.is_empty() || !accounts.iter().all(is_account) {
        return Err(Error::invalid("AWSAccountId"));
    }
    if actions.is_empty() {
        return Err(Error::invalid("ActionName"));
    }
    if !actions.iter().all(|action| ACTIONS.contains(&action.as_str())) {
        return Err(Error::invalid("Policy statement action out of service scope!"));
    }
    let principals = accounts.into_iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions = actions.into_iter().map(|action| format!("SNS:{action}")).collect();
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

fn read(key: &TopicKey, text: Option<&String>) -> Result<Map<String, Value>, Error> {
    let policy = match text.filter(|text| !text.is_empty()) {
        Some(text) => serde_json::from_str(text).unwrap_or_default(),
        None => attributes::policy(key),
    };
    match policy {
        Value::Object(policy) => Ok(policy),
        _ => Err(Error::invalid("Policy")),
    }
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
