//! The structures of the CloudFormation API, as far as they are read or written here.

use crate::cloudformation::faults::{invalid, unsupported};
use crate::{Request, Stack};
use fogbank_wire::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What every operation takes that brings a template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TemplateInput {
    pub stack_name: String,
    pub template_body: Option<String>,
    #[serde(rename = "TemplateURL")]
    pub template_url: Option<String>,
    pub use_previous_template: Option<bool>,
    pub parameters: Vec<Parameter>,
    pub capabilities: Vec<String>,
    pub disable_rollback: Option<bool>,
    pub on_failure: Option<String>,
    pub change_set_name: String,
    pub change_set_type: Option<String>,
    pub description: Option<String>,
    pub tags: Option<Vec<Tag>>,
    pub enable_termination_protection: Option<bool>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    pub parameter_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_value: Option<String>,
    #[serde(skip_serializing)]
    pub use_previous_value: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub resolved_value: Option<String>,
}

impl TemplateInput {
    /// The deployment that is asked for, given the stack as it is.
    pub fn request(&self, before: Option<&Stack>) -> Result<Request, Fault> {
        if self.disable_rollback == Some(true) || self.on_failure.as_deref().is_some_and(|on| on == "DO_NOTHING") {
            return Err(unsupported("DisableRollback", "a failed deployment is always rolled back"));
        }
        let template = match (&self.template_body, before) {
            (Some(text), _) => text.clone(),
            (None, Some(stack)) if self.use_previous_template == Some(true) => stack.template.clone(),
            _ => return Err(invalid("Either Template URL or Template Body must be specified.")),
        };
        let mut parameters = BTreeMap::new();
        for Parameter { parameter_key: key, parameter_value: value, use_previous_value, .. } in &self.parameters {
            let previous =
                before.and_then(|stack| stack.parameters.get(key)).filter(|_| *use_previous_value == Some(true));
            match value.as_ref().or(previous) {
                Some(value) => drop(parameters.insert(key.clone(), value.clone())),
                None => return Err(invalid(format!("Invalid input for parameter key {key}. Specify a value."))),
            }
        }
        let tag = |tag: &Tag| (tag.key.clone(), tag.value.clone());
        let tags = self.tags.as_ref().map(|tags| tags.iter().map(tag).collect());
        Ok(Request { stack: self.stack_name.clone(), template, parameters, tags, ..Request::default() })
    }
}

/// What most operations take to name a stack.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StackInput {
    pub stack_name: Option<String>,
    pub logical_resource_id: Option<String>,
    pub physical_resource_id: Option<String>,
    pub stack_status_filter: Vec<String>,
    pub change_set_name: String,
    pub template_body: Option<String>,
    pub enable_termination_protection: bool,
}

impl StackInput {
    /// The stack's name or id.
    pub fn name(&self) -> Result<&str, Fault> {
        self.stack_name
            .as_deref()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| invalid("StackName must be specified."))
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StackId {
    pub stack_id: String,
}

/// An answer of nothing but its request id.
#[derive(Debug, Serialize)]
pub struct Empty {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct StackView {
    pub stack_id: String,
    pub stack_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub parameters: Vec<Parameter>,
    pub creation_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_time: Option<i64>,
    pub stack_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_status_reason: Option<String>,
    pub disable_rollback: bool,
    pub enable_termination_protection: bool,
    pub tags: Vec<Tag>,
    pub outputs: Vec<OutputView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct OutputView {
    pub output_key: String,
    pub output_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_name: Option<String>,
}

impl StackView {
    pub fn of(stack: &Stack) -> Self {
        let parameter = |(key, value): (&String, &String)| Parameter {
            parameter_key: key.clone(),
            parameter_value: Some(value.clone()),
            use_previous_value: None,
            resolved_value: stack.resolved.get(key).filter(|_| !stack.hidden.contains(key)).cloned(),
        };
        let output = |output: &crate::Output| OutputView {
            output_key: output.key.clone(),
            output_value: output.value.clone(),
            description: output.description.clone(),
            export_name: output.export.clone(),
        };
        Self {
            stack_id: stack.id.clone(),
            stack_name: stack.name.clone(),
            description: stack.description.clone(),
            parameters: stack.shown_parameters().iter().map(parameter).collect(),
            creation_time: stack.created.0,
            last_updated_time: stack.updated.map(|at| at.0),
            deletion_time: stack.deleted.map(|at| at.0),
            stack_status: stack.status.clone(),
            stack_status_reason: stack.reason.clone(),
            disable_rollback: false,
            enable_termination_protection: stack.protected,
            tags: stack.tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect(),
            outputs: stack.outputs.iter().map(output).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_id: Option<String>,
    pub logical_resource_id: String,
    pub physical_resource_id: String,
    pub resource_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_timestamp: Option<i64>,
    pub resource_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventView {
    pub stack_id: String,
    pub event_id: String,
    pub stack_name: String,
    pub logical_resource_id: String,
    pub physical_resource_id: String,
    pub resource_type: String,
    pub timestamp: i64,
    pub resource_status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_status_reason: Option<String>,
}
