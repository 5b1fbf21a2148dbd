//! Integrations of a REST API's methods: Lambda proxies and mocks.

use super::methods::check_status;
use super::patch::{self, Op, Patch};
use super::{Integration, IntegrationResponse, Kind, RestApi, quota};
use crate::serve::mock;
use crate::{Error, lambda_uri};
use std::collections::BTreeMap;

const MISSING: &str = "Invalid Integration identifier specified";

/// What an integration is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewIntegration {
    pub kind: String,
    pub http_method: Option<String>,
    pub uri: Option<String>,
    pub passthrough: Option<String>,
    pub content_handling: Option<String>,
    pub timeout_ms: Option<i64>,
    pub request_templates: BTreeMap<String, String>,
}

/// What an integration response is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewIntegrationResponse {
    pub selection_pattern: Option<String>,
    pub parameters: BTreeMap<String, String>,
    pub templates: BTreeMap<String, String>,
}

impl NewIntegration {
    /// Checks everything that can be wrong.
    pub fn make(&self) -> Result<Integration, Error> {
        let kind = match self.kind.to_ascii_uppercase().as_str() {
            "AWS_PROXY" => Kind::AwsProxy,
            "MOCK" => Kind::Mock,
            "AWS" | "HTTP" | "HTTP_PROXY" => {
                let text =
                    format!("integrations of the type {} yet; use AWS_PROXY with a function, or MOCK.", self.kind);
                return Err(Error::Unsupported(text));
            }
            other => return Err(Error::bad(format!("Invalid integration type specified: {other}"))),
        };
        let integration = Integration {
            kind,
            http_method: self.http_method.clone(),
            uri: self.uri.clone(),
            passthrough: self.passthrough.clone().unwrap_or_else(|| "WHEN_NO_MATCH".into()).to_ascii_uppercase(),
            content_handling: self.content_handling.clone(),
            timeout_ms: self.timeout_ms.unwrap_or(*quota::TIMEOUT_MS.end()),
            request_templates: self.request_templates.clone(),
            responses: BTreeMap::new(),
        };
        integration.check()?;
        Ok(integration)
    }
}

impl Integration {
    fn check(&self) -> Result<(), Error> {
        if !quota::TIMEOUT_MS.contains(&self.timeout_ms) {
            return Err(Error::bad("Timeout should be between 50 ms and 29000 ms."));
        }
        if !["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"].contains(&self.passthrough.as_str()) {
            return Err(Error::bad("Invalid passthrough behavior: use WHEN_NO_MATCH, WHEN_NO_TEMPLATES or NEVER."));
        }
        // Both kinds hand text on as it is, so this one alone changes nothing.
        if self.content_handling.as_deref().is_some_and(|handling| handling != "CONVERT_TO_TEXT") {
            return Err(Error::Unsupported("contentHandling other than CONVERT_TO_TEXT yet; leave it out.".into()));
        }
        match self.kind {
            Kind::Mock => self.request_templates.values().try_for_each(|template| mock::check_template(template)),
            Kind::AwsProxy => {
                let Some(uri) = &self.uri else {
                    return Err(Error::bad("AWS_PROXY integrations need a uri: the function's invocation URI."));
                };
                lambda_uri::check(uri)?;
                match self.http_method.as_deref() {
                    Some("POST") => Ok(()),
                    None => Err(Error::bad("Enumeration value for HttpMethod must be non-empty")),
                    Some(_) => {
                        Err(Error::bad("Functions are called with POST; set the integration's httpMethod to POST."))
                    }
                }
            }
        }
    }
}

impl NewIntegrationResponse {
    pub fn make(&self) -> Result<IntegrationResponse, Error> {
        for (target, source) in &self.parameters {
            mock::header(target, source)?;
        }
        self.templates.values().try_for_each(|template| mock::check_template(template))?;
        if let Some(pattern) = &self.selection_pattern {
            mock::check_pattern(pattern)?;
        }
        let (parameters, templates) = (self.parameters.clone(), self.templates.clone());
        Ok(IntegrationResponse { selection_pattern: self.selection_pattern.clone(), parameters, templates })
    }
}

impl RestApi {
    pub fn integration(&self, resource: &str, name: &str) -> Result<&Integration, Error> {
        self.method(resource, name)?.integration.as_ref().ok_or_else(|| Error::NotFound(MISSING.into()))
    }

    fn integration_mut(&mut self, resource: &str, name: &str) -> Result<&mut Integration, Error> {
        self.method_mut(resource, name)?.integration.as_mut().ok_or_else(|| Error::NotFound(MISSING.into()))
    }

    /// Sets the method's integration; one that was there goes with its responses.
    pub fn put_integration(&mut self, resource: &str, name: &str, new: &NewIntegration) -> Result<(), Error> {
        self.method_mut(resource, name)?.integration = Some(new.make()?);
        Ok(())
    }

    pub fn update_integration(&mut self, resource: &str, name: &str, patches: &[Patch]) -> Result<(), Error> {
        let mut next = self.integration(resource, name)?.clone();
        for change in patches {
            match (change.op, change.words().as_slice()) {
                (Op::Replace, ["uri"]) => next.uri = patch::some(change.text()),
                (Op::Replace, ["httpMethod"]) => next.http_method = patch::some(change.text()),
                (Op::Replace, ["passthroughBehavior"]) => next.passthrough = change.text().into(),
                (Op::Replace, ["contentHandling"]) => next.content_handling = patch::some(change.text()),
                (Op::Replace, ["timeoutInMillis"]) => {
                    let limit = change.text().parse();
                    next.timeout_ms = limit.map_err(|_| Error::bad("timeoutInMillis must be a whole number."))?;
                }
                (_, ["requestTemplates", kind]) => change.entry(&mut next.request_templates, kind),
                _ => return Err(change.refused()),
            }
        }
        next.check()?;
        *self.integration_mut(resource, name)? = next;
        Ok(())
    }

    pub fn delete_integration(&mut self, resource: &str, name: &str) -> Result<(), Error> {
        self.integration(resource, name)?;
        self.method_mut(resource, name)?.integration = None;
        Ok(())
    }

    pub fn integration_response(&self, resource: &str, name: &str, code: &str) -> Result<&IntegrationResponse, Error> {
        let found = self.integration(resource, name)?.responses.get(code);
        found.ok_or_else(|| Error::NotFound("Invalid Response status code specified".into()))
    }

    pub fn put_integration_response(
        &mut self,
        resource: &str,
        name: &str,
        code: &str,
        new: &NewIntegrationResponse,
    ) -> Result<(), Error> {
        check_status(code)?;
        self.integration(resource, name)?;
        if !self.method(resource, name)?.responses.contains_key(code) {
            return Err(Error::NotFound("Invalid Response status code specified".into()));
        }
        self.integration_mut(resource, name)?.responses.insert(code.into(), new.make()?);
        Ok(())
    }

    pub fn update_integration_response(
        &mut self,
        resource: &str,
        name: &str,
        code: &str,
        patches: &[Patch],
    ) -> Result<(), Error> {
        let now = self.integration_response(resource, name, code)?.clone();
        let IntegrationResponse { selection_pattern, parameters, templates } = now;
        let mut next = NewIntegrationResponse { selection_pattern, parameters, templates };
        for change in patches {
            match (change.op, change.words().as_slice()) {
                (Op::Replace, ["selectionPattern"]) => next.selection_pattern = patch::some(change.text()),
                (_, ["responseParameters", target]) => change.entry(&mut next.parameters, target),
                (_, ["responseTemplates", kind]) => change.entry(&mut next.templates, kind),
                _ => return Err(change.refused()),
            }
        }
        self.integration_mut(resource, name)?.responses.insert(code.into(), next.make()?);
        Ok(())
    }

    pub fn delete_integration_response(&mut self, resource: &str, name: &str, code: &str) -> Result<(), Error> {
        self.integration_response(resource, name, code)?;
        self.integration_mut(resource, name)?.responses.remove(code);
        Ok(())
    }
}
