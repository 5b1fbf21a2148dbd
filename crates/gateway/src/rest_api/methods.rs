//! Methods of a REST API's resources, and the responses that they declare.

use super::patch::{self, Op, Patch};
use super::{Method, MethodResponse, RestApi};
use crate::Error;
use std::collections::BTreeMap;

const METHODS: [&str; 8] = ["ANY", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// What a method is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewMethod {
    pub operation_name: Option<String>,
    pub request_parameters: BTreeMap<String, bool>,
    pub request_models: BTreeMap<String, String>,
}

/// Refuses what is no status of a declared response.
pub(crate) fn check_status(code: &str) -> Result<(), Error> {
    let valid = code.parse::<u16>().is_ok_and(|code| (200..600).contains(&code));
    match valid {
        true => Ok(()),
        false => Err(Error::bad(format!("Invalid status code '{code}': use 200 to 599."))),
    }
}

impl RestApi {
    pub fn method(&self, resource: &str, name: &str) -> Result<&Method, Error> {
        let found = self.resource(resource)?.methods.get(name);
        found.ok_or_else(|| Error::NotFound("Invalid Method identifier specified".into()))
    }

    pub(super) fn method_mut(&mut self, resource: &str, name: &str) -> Result<&mut Method, Error> {
        let found = self.resource_mut(resource)?.methods.get_mut(name);
        found.ok_or_else(|| Error::NotFound("Invalid Method identifier specified".into()))
    }

    pub fn put_method(&mut self, resource: &str, name: &str, new: &NewMethod) -> Result<(), Error> {
        if !METHODS.contains(&name) {
            return Err(Error::bad(
                "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
            ));
        }
        let methods = &mut self.resource_mut(resource)?.methods;
        if methods.contains_key(name) {
            return Err(Error::Conflict("Method already exists for this resource".into()));
        }
        let method = Method {
            operation_name: new.operation_name.clone(),
            request_parameters: new.request_parameters.clone(),
            request_models: new.request_models.clone(),
            ..Method::default()
        };
        methods.insert(name.into(), method);
        Ok(())
    }

    pub fn update_method(&mut self, resource: &str, name: &str, patches: &[Patch]) -> Result<(), Error> {
        let method = self.method_mut(resource, name)?;
        for change in patches {
            match (change.op, change.words().as_slice()) {
                (Op::Replace, ["operationName"]) => method.operation_name = patch::some(change.text()),
                (Op::Replace, ["authorizationType"]) if change.text() == "NONE" => {}
                (Op::Replace, ["apiKeyRequired"]) if change.text() == "false" => {}
                (Op::Replace, ["authorizationType" | "apiKeyRequired" | "authorizerId" | "requestValidatorId"]) => {
                    return Err(Error::Unsupported(format!("the value '{}' of {} yet.", change.text(), change.path)));
                }
                (Op::Remove, ["requestParameters", name]) => drop(method.request_parameters.remove(*name)),
                (_, ["requestParameters", name]) => {
                    method.request_parameters.insert((*name).to_owned(), change.truth()?);
                }
                (_, ["requestModels", name]) => change.entry(&mut method.request_models, name),
                _ => return Err(change.refused()),
            }
        }
        Ok(())
    }

    pub fn delete_method(&mut self, resource: &str, name: &str) -> Result<(), Error> {
        self.method(resource, name)?;
        self.resource_mut(resource)?.methods.remove(name);
        Ok(())
    }

    pub fn method_response(&self, resource: &str, name: &str, code: &str) -> Result<&MethodResponse, Error> {
        let found = self.method(resource, name)?.responses.get(code);
        found.ok_or_else(|| Error::NotFound("Invalid Response status code specified".into()))
    }

    pub fn put_method_response(
        &mut self,
        resource: &str,
        name: &str,
        code: &str,
        response: MethodResponse,
    ) -> Result<(), Error> {
        check_status(code)?;
        let responses = &mut self.method_mut(resource, name)?.responses;
        if responses.contains_key(code) {
            return Err(Error::Conflict("Response already exists for this resource".into()));
        }
        responses.insert(code.into(), response);
        Ok(())
    }

    pub fn delete_method_response(&mut self, resource: &str, name: &str, code: &str) -> Result<(), Error> {
        self.method_response(resource, name, code)?;
        self.method_mut(resource, name)?.responses.remove(code);
        Ok(())
    }
}
