//! The events `HttpApi` and `Api`: routes, which are collected for the API that they belong to.

use crate::problem::Position;
use crate::sam::events::FunctionEvent;
use crate::sam::{Expansion, referred};
use crate::tree::Node;

/// A function's route, collected for the API that it belongs to.
pub(super) struct Route {
    /// Whether the API is an HTTP API, not a REST API.
    pub http: bool,
    /// The API's logical id; `None` for the implicit one.
    pub api: Option<String>,
    /// Such as `/items/{id}`; `None` for an HTTP API's `$default`.
    pub path: Option<String>,
    /// In lower case, or `any`.
    pub method: String,
    /// `1.0` or `2.0`, for HTTP APIs.
    pub payload: Option<String>,
    /// The integration's time limit in milliseconds.
    pub timeout: Option<Node>,
    /// What to call: the function or its alias.
    pub target: Node,
    /// Where the event stands.
    pub at: Position,
}

impl Expansion<'_> {
    /// A route of an HTTP API, or of a REST API.
    pub(super) fn api_event(&mut self, event: &FunctionEvent<'_>, http: bool) {
        if http {
            let known = ["ApiId", "Path", "Method", "PayloadFormatVersion", "TimeoutInMillis"];
            self.check_event(event, &known, &["Auth", "RouteSettings"]);
        } else {
            let later = ["Auth", "RequestModel", "RequestParameters", "ResponseTransferMode"];
            self.check_event(event, &["RestApiId", "Path", "Method", "TimeoutInMillis"], &later);
        }
        let (path, method) = (self.event_text(event, "Path"), self.event_text(event, "Method"));
        let payload = self.event_text(event, "PayloadFormatVersion");
        if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
            self.problems.push(event.problem("needs a Path that begins with '/'"));
        }
        if path.is_none() && !(http && method.is_none()) {
            self.problems.push(event.problem("needs a Path"));
        }
        let api = self.api_of(event, http);
        let implicit = if http { "ServerlessHttpApi" } else { "ServerlessRestApi" };
        let source = source_arn(api.as_deref().unwrap_or(implicit), method.as_deref(), path.as_deref());
        let (_, function) = event.function_name();
        self.permission(event.function, &format!("{}Permission", event.id()), function, &source);
        if !self.is_live(event.function) {
            return;
        }
        self.routes.push(Route {
            http,
            api,
            path,
            method: method.unwrap_or_else(|| "any".into()).to_lowercase(),
            payload,
            timeout: event.given.get("TimeoutInMillis").cloned(),
            target: event.function_arn(),
            at: event.at,
        });
    }

    /// The text of an event's property, if it has that one.
    fn event_text(&mut self, event: &FunctionEvent<'_>, name: &str) -> Option<String> {
        let text = event.given.get(name).map(|node| self.scope.text(node, name)).transpose();
        text.unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        })
    }

    /// The API that the event names; `None` is the implicit one.
    fn api_of(&mut self, event: &FunctionEvent<'_>, http: bool) -> Option<String> {
        let named = event.given.get(if http { "ApiId" } else { "RestApiId" })?;
        let id = referred(named);
        let kind = if http { "AWS::Serverless::HttpApi" } else { "AWS::Serverless::Api" };
        let declared = |id: &str| self.scope.template.resource(id).is_some_and(|resource| resource.kind == kind);
        if !id.is_some_and(declared) {
            let text = format!("must name an {kind} of this template with !Ref");
            self.problems.push(event.problem_at(named.at, &text));
        }
        id.map(str::to_owned)
    }
}

/// What calls of a route come from: any stage of the API, the route's method, and its path.
fn source_arn(api: &str, method: Option<&str>, path: Option<&str>) -> String {
    let verb = method.filter(|method| !method.eq_ignore_ascii_case("any")).unwrap_or("*").to_uppercase();
    let path = braces_to_stars(&path.unwrap_or("").replace('$', ""));
    format!("arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{{api}}}/*/{verb}{path}")
}

/// A source ARN has `*` where the path has a parameter.
fn braces_to_stars(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "*".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
