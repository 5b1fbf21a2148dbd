//! Structures of operations that take statements.

use super::items::{Capacity, ItemResponse};
use crate::value::Item;
use fogbank_wire::Value;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecuteStatement {
    pub statement: String,
    pub parameters: Vec<Value>,
    pub consistent_read: bool,
    pub next_token: Option<String>,
    pub return_consumed_capacity: Option<String>,
    pub limit: Option<usize>,
    pub return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Executed {
    pub items: Vec<Item>,
    pub next_token: Option<String>,
    pub consumed_capacity: Option<Capacity>,
    pub last_evaluated_key: Option<Item>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchExecute {
    pub statements: Vec<OneStatement>,
    pub return_consumed_capacity: Option<String>,
}

/// A statement of a batch or of a transaction.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OneStatement {
    pub statement: String,
    pub parameters: Vec<Value>,
    pub consistent_read: bool,
    pub return_values_on_condition_check_failure: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchExecuted {
    pub responses: Vec<BatchResponse>,
    pub consumed_capacity: Option<Vec<Capacity>>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchResponse {
    pub error: Option<BatchError>,
    pub table_name: Option<String>,
    pub item: Option<Item>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchError {
    pub code: &'static str,
    pub message: String,
    pub item: Option<Item>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExecuteTransaction {
    pub transact_statements: Vec<OneStatement>,
    pub client_request_token: Option<String>,
    pub return_consumed_capacity: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactionExecuted {
    pub responses: Vec<ItemResponse>,
    pub consumed_capacity: Option<Vec<Capacity>>,
}
