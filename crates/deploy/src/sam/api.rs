//! `AWS::Serverless::HttpApi` and `AWS::Serverless::Api`, declared or implicit: the functions' routes become an OpenAPI document
//! with one Lambda proxy integration each.

use crate::expression::call;
use crate::problem::{Position, Problem};
use crate::sam::api_events::Route;
use crate::sam::globals::Globals;
use crate::sam::{Expansion, reference};
use crate::template::Resource;
use crate::tree::Node;

/// What an HTTP API takes, and what it does not take yet.
const HTTP_API: &[&str] = &[
    "CorsConfiguration",
    "DefinitionBody",
    "Description",
    "DisableExecuteApiEndpoint",
    "Name",
    "PropagateTags",
    "StageName",
    "StageVariables",
    "Tags",
    "FailOnWarnings",
];
const HTTP_API_LATER: &[&str] =
    &["AccessLogSettings", "Auth", "DefaultRouteSettings", "DefinitionUri", "Domain", "RouteSettings"];

/// The same of a REST API.
const REST_API: &[&str] = &[
    "BinaryMediaTypes",
    "Cors",
    "DefinitionBody",
    "Description",
    "DisableExecuteApiEndpoint",
    "EndpointConfiguration",
    "Name",
    "OpenApiVersion",
    "PropagateTags",
    "StageName",
    "Tags",
    "TracingEnabled",
    "Variables",
    "FailOnWarnings",
    "AlwaysDeploy",
];
const REST_API_LATER: &[&str] = &[
    "AccessLogSetting",
    "ApiKeySourceType",
    "Auth",
    "CacheClusterEnabled",
    "CacheClusterSize",
    "CanarySetting",
    "DefinitionUri",
    "Domain",
    "GatewayResponses",
    "MergeDefinitions",
    "MethodSettings",
    "MinimumCompressionSize",
    "Mode",
    "Models",
    "Policy",
];

impl Expansion<'_> {
    /// Rewrites the declared APIs and adds the implicit ones that routes ask for.
    pub(super) fn apis(&mut self, globals: &Globals) {
        let is_api =
            |resource: &Resource| matches!(resource.kind.as_str(), "AWS::Serverless::HttpApi" | "AWS::Serverless::Api");
        let (apis, others): (Vec<Resource>, Vec<Resource>) =
            std::mem::take(&mut self.resources).into_iter().partition(is_api);
        self.resources = others;
        let routes = std::mem::take(&mut self.routes);
        for api in apis {
            let http = api.kind == "AWS::Serverless::HttpApi";
            let own: Vec<&Route> =
                routes.iter().filter(|route| route.http == http && route.api.as_deref() == Some(&api.id)).collect();
            if http { self.http_api(&api, &own) } else { self.rest_api(&api, &own) }
        }
        for (http, id, kind) in [(true, "ServerlessHttpApi", "HttpApi"), (false, "ServerlessRestApi", "Api")] {
            let own: Vec<&Route> = routes.iter().filter(|route| route.http == http && route.api.is_none()).collect();
            let Some(first) = own.first() else { continue };
            let defaults = globals.section(kind).cloned();
            let api = implicit(id, first.at, defaults);
            if http { self.http_api(&api, &own) } else { self.rest_api(&api, &own) }
        }
    }

    fn http_api(&mut self, api: &Resource, routes: &[&Route]) {
        let (id, at, given) = (&api.id, api.at, &api.properties);
        self.check_names(given, HTTP_API, HTTP_API_LATER, id);
        let body = self.document(api, routes, true);
        let mut properties = vec![("Body", body)];
        properties.extend(given.pick(&["Description", "DisableExecuteApiEndpoint", "Name", "Tags"]));
        if given.get("Name").is_none() {
            properties.push(("Name", reference(at, "AWS::StackName")));
        }
        if let Some(cors) = given.get("CorsConfiguration") {
            let open = cors.as_text().is_some_and(|text| text == "true");
            let any = |at| Node::list(at, vec![Node::text(at, "*")]);
            let cors = if open { Node::map(cors.at, [("AllowOrigins", any(cors.at))]) } else { cors.clone() };
            if cors.as_text().is_none() {
                properties.push(("CorsConfiguration", cors));
            }
        }
        self.add(api, id, "AWS::ApiGatewayV2::Api", properties);
        let stage = given.get("StageName").cloned().unwrap_or_else(|| Node::text(at, "$default"));
        let suffix = self.known_text(&stage).filter(|name| name != "$default");
        let suffix = suffix.unwrap_or_else(|| "ApiGatewayDefault".into());
        let stage_id = format!("{id}{suffix}Stage").replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let yes = Node { at, kind: crate::tree::Kind::Scalar { text: "true".into(), plain: true } };
        let mut properties = vec![("ApiId", reference(at, id)), ("StageName", stage), ("AutoDeploy", yes)];
        properties.extend(given.pick(&["StageVariables", "Tags"]));
        self.add(api, &stage_id, "AWS::ApiGatewayV2::Stage", properties);
        self.parts.insert(format!("{id}.Stage"), stage_id);
    }

    fn rest_api(&mut self, api: &Resource, routes: &[&Route]) {
        let (id, at, given) = (&api.id, api.at, &api.properties);
        self.check_names(given, REST_API, REST_API_LATER, id);
        let mut body = self.document(api, routes, false);
        if let Some(cors) = given.get("Cors") {
            self.rest_cors(&mut body, cors);
        }
        let mut properties = vec![("Body", body.clone())];
        properties.extend(given.pick(&["BinaryMediaTypes", "Description", "DisableExecuteApiEndpoint", "Name"]));
        if given.get("Name").is_none() {
            properties.push(("Name", reference(at, "AWS::StackName")));
        }
        if let Some(kind) = given.get("EndpointConfiguration").and_then(|node| node.get("Type").or(Some(node))) {
            properties.push((
                "EndpointConfiguration",
                Node::map(kind.at, [("Types", Node::list(kind.at, vec![kind.clone()]))]),
            ));
        }
        let tags = given.get("Tags").map(key_value_list);
        let spread = given.get("PropagateTags").and_then(|node| self.known_text(node));
        if spread.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            properties.extend(tags.clone().map(|tags| ("Tags", tags)));
        }
        self.add(api, id, "AWS::ApiGateway::RestApi", properties);
        // A deployment is a copy of the API as it stands; a change of the document asks for another one.
        let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body.to_json().to_string()));
        let deployment = format!("{id}Deployment{}", &digest[..10]);
        let stage = given.get("StageName").cloned().unwrap_or_else(|| Node::text(at, "Prod"));
        let properties = vec![
            ("RestApiId", reference(at, id)),
            ("Description", Node::text(at, format!("RestApi deployment id: {digest}"))),
        ];
        self.add(api, &deployment, "AWS::ApiGateway::Deployment", properties);
        let suffix = self.known_text(&stage).unwrap_or_default().replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let stage_id = format!("{id}{suffix}Stage");
        let mut properties =
            vec![("RestApiId", reference(at, id)), ("DeploymentId", reference(at, &deployment)), ("StageName", stage)];
        properties.extend(given.pick(&["Variables", "TracingEnabled"]));
        properties.extend(tags.map(|tags| ("Tags", tags)));
        self.add(api, &stage_id, "AWS::ApiGateway::Stage", properties);
        self.parts.insert(format!("{id}.Stage"), stage_id);
        self.parts.insert(format!("{id}.Deployment"), deployment);
    }

    /// The OpenAPI document of an API: its own, if it has one, and the routes that functions add to it.
    fn document(&mut self, api: &Resource, routes: &[&Route], http: bool) -> Node {
        let at = api.at;
        let third = api.properties.get("OpenApiVersion").and_then(|node| self.known_text(node));
        let third = http || third.is_some_and(|version| version.starts_with('3'));
        let version = if third { ("openapi", "3.0.1") } else { ("swagger", "2.0") };
        let info = Node::map(at, [("version", Node::text(at, "1.0")), ("title", reference(at, "AWS::StackName"))]);
        let empty = || Node::map(at, Vec::<(String, Node)>::new());
        let fresh =
            || Node::map(at, [(version.0, Node::text(at, version.1)), ("info", info.clone()), ("paths", empty())]);
        let mut document = api.properties.get("DefinitionBody").cloned().unwrap_or_else(fresh);
        let mut paths = document.remove("paths").unwrap_or_else(empty);
        for route in routes {
            let path = route.path.as_deref().unwrap_or("$default");
            let method = if route.method == "any" { "x-amazon-apigateway-any-method" } else { &route.method };
            let mut item = paths.remove(path).unwrap_or_else(empty);
            let own = item.get(method).filter(|operation| operation.get("x-amazon-apigateway-integration").is_some());
            if own.is_some() && api.properties.get("DefinitionBody").is_none() {
                let text = format!("the route {} {path} is declared twice", route.method.to_uppercase());
                self.problems.push(Problem::at(route.at, text));
            }
            let mut operation = item.remove(method).unwrap_or_else(|| Node::map(at, [("responses", empty())]));
            operation.set("x-amazon-apigateway-integration", integration(route, http));
            item.set(method, operation);
            paths.set(path, item);
        }
        document.set("paths", paths);
        document
    }

    /// `Cors` of a REST API: an OPTIONS method on every path that answers with fixed headers.
    fn rest_cors(&mut self, body: &mut Node, cors: &Node) {
        let at = cors.at;
        let own = |name: &str| cors.get(name).and_then(|node| self.known_text(node));
        let is_structure = cors.as_call().is_none() && !cors.entries().is_empty();
        let origin = if is_structure { own("AllowOrigin") } else { self.known_text(cors) };
        let Some(origin) = origin else {
            return self.problems.push(Problem::at(at, "Cors needs AllowOrigin"));
        };
        let mut headers = vec![("Access-Control-Allow-Origin", origin)];
        headers.extend(own("AllowHeaders").map(|text| ("Access-Control-Allow-Headers", text)));
        headers.extend(own("MaxAge").map(|text| ("Access-Control-Max-Age", text)));
        if own("AllowCredentials").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            headers.push(("Access-Control-Allow-Credentials", "'true'".into()));
        }
        let methods = own("AllowMethods");
        let known = ["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigin", "MaxAge"];
        if is_structure {
            self.check_names(cors, &known, &[], "Cors");
        }
        let Some(mut paths) = body.remove("paths") else { return };
        let names: Vec<String> = paths.entries().iter().map(|(key, _)| key.text.clone()).collect();
        for name in names {
            let Some(mut item) = paths.remove(&name) else { continue };
            if item.get("options").is_none() {
                let mut headers = headers.clone();
                let methods = methods.clone().unwrap_or_else(|| methods_of(&item));
                headers.push(("Access-Control-Allow-Methods", methods));
                item.set("options", preflight(at, &headers));
            }
            paths.set(&name, item);
        }
        body.set("paths", paths);
    }
}

/// The methods that a path has, as SAM lists them for preflight requests.
fn methods_of(item: &Node) -> String {
    if item.get("x-amazon-apigateway-any-method").is_some() {
        return "'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'".into();
    }
    let mut methods: Vec<String> = item.entries().iter().map(|(key, _)| key.text.to_uppercase()).collect();
    methods.retain(|method| ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"].contains(&method.as_str()));
    methods.push("OPTIONS".into());
    methods.sort();
    format!("'{}'", methods.join(","))
}

/// An operation that answers with `headers`, whose values are in single quotes.
fn preflight(at: Position, headers: &[(&str, String)]) -> Node {
    let parameters: serde_json::Map<String, serde_json::Value> =
        headers.iter().map(|(name, value)| (format!("method.response.header.{name}"), value.as_str().into())).collect();
    let declared: serde_json::Map<String, serde_json::Value> =
        headers.iter().map(|(name, _)| ((*name).to_owned(), serde_json::json!({"type": "string"}))).collect();
    let operation = serde_json::json!({
        "summary": "CORS support",
        "responses": {"200": {"description": "Default response for CORS method", "headers": declared}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
            "responses": {"default": {"statusCode": "200", "responseParameters": parameters}},
        },
    });
    Node::from_json(at, &operation)
}

/// SAM maps tags, CloudFormation lists them.
fn key_value_list(tags: &Node) -> Node {
    let pair = |(key, value): &(crate::tree::Key, Node)| {
        Node::map(key.at, [("Key", Node::text(key.at, &key.text)), ("Value", value.clone())])
    };
    Node::list(tags.at, tags.entries().iter().map(pair).collect())
}

fn implicit(id: &str, at: Position, defaults: Option<Node>) -> Resource {
    Resource {
        id: id.to_owned(),
        at,
        kind: String::new(),
        properties: defaults.unwrap_or_else(|| Node::map(at, Vec::<(String, Node)>::new())),
        depends_on: Vec::new(),
        condition: None,
        metadata: None,
        connectors: None,
        retain: false,
        retain_replaced: false,
    }
}

/// The Lambda proxy integration of a route, as OpenAPI's API Gateway extension writes it.
fn integration(route: &Route, http: bool) -> Node {
    let at = route.at;
    let text = |text: &str| Node::text(at, text);
    let function = Node::map(at, [("Function", route.target.clone())]);
    let pattern =
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function}/invocations";
    let uri = call("Fn::Sub", Node::list(at, vec![text(pattern), function]));
    let mut entries = vec![("type", text("aws_proxy")), ("httpMethod", text("POST")), ("uri", uri)];
    if http {
        entries.push(("payloadFormatVersion", text(route.payload.as_deref().unwrap_or("2.0"))));
    }
    entries.extend(route.timeout.clone().map(|limit| ("timeoutInMillis", limit)));
    Node::map(at, entries)
}
