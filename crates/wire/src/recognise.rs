//! Which service, operation and protocol a request means.

use crate::model::{Fit, ModelSource, Operation, Route, split_path};
use crate::protocol::Protocol;
use crate::query::{self, Pairs};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;

/// A request whose operation is known.
pub(crate) struct Recognised {
    pub source: &'static ModelSource,
    pub operation: &'static Operation,
    pub protocol: Protocol,
    /// What stands in the path's labels.
    pub labels: Pairs,
    /// The query string's parameters, with the query protocol the form's too.
    pub parameters: Pairs,
}

/// Why no operation was found.
#[derive(Debug)]
pub(crate) enum Unrecognised {
    /// This is no request for an AWS API.
    NotAws,
    /// The service is known, the operation is not.
    NoOperation { source: &'static ModelSource, protocol: Protocol, name: String },
}

/// Finds what a request means. `signing` is the service's name in the credential scope, if the request is signed.
pub(crate) fn recognise(
    sources: &[&'static ModelSource],
    head: &Parts,
    body: &Bytes,
    signing: Option<&str>,
) -> Result<Recognised, Unrecognised> {
    let parameters = query::pairs(head.uri.query().unwrap_or_default().as_bytes());
    if let Some(target) = header(head, "x-amz-target") {
        return by_target(sources, head, target, signing, parameters);
    }
    if header(head, "smithy-protocol") == Some("rpc-v2-cbor") {
        return by_service_path(sources, head, parameters);
    }
    let is_form =
        header(head, CONTENT_TYPE.as_str()).is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    let mut form = parameters;
    let (at_root, at_resource) = (split_path(head.uri.path()).is_empty(), is_resource(head));
    if is_form && (at_root || at_resource) {
        form.extend(query::pairs(body));
    }
    let action = form.iter().find(|(key, _)| key == "Action").map(|(_, action)| action.clone());
    match action {
        Some(action) if at_root => by_action(sources, action, signing, form),
        Some(action) if at_resource && is_query(sources, signing, &form) => by_action(sources, action, signing, form),
        _ if at_root && targets(sources, signing).is_some() => by_target(sources, head, "", signing, form),
        _ => by_path(sources, head, signing, form),
    }
}

/// The service that a signature names, if its requests name their operations in `X-Amz-Target` alone.
fn targets(sources: &[&'static ModelSource], signing: Option<&str>) -> Option<&'static ModelSource> {
    let mut signed = sources.iter().copied().filter(|source| Some(source.signing) == signing);
    let only_targets =
        |source: &ModelSource| !source.speaks("query") && !source.speaks("rest-json") && !source.speaks("rest-xml");
    signed.find(|source| !source.target.is_empty() && only_targets(source))
}

/// Whether the path is `/ACCOUNT/NAME`: queues take requests of the query protocol at their own address.
fn is_resource(head: &Parts) -> bool {
    match split_path(head.uri.path())[..] {
        [account, name] => account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !name.is_empty(),
        _ => false,
    }
}

/// Whether the version or the signature says that a form at a resource's address is of a service that speaks the query protocol.
fn is_query(sources: &[&'static ModelSource], signing: Option<&str>, form: &Pairs) -> bool {
    let version = form.iter().find(|(key, _)| key == "Version").map(|(_, version)| version.as_str());
    let mut speaks = sources.iter().filter(|source| source.speaks("query"));
    speaks.any(|source| Some(source.signing) == signing || Some(source.version) == version)
}

fn header<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

fn by_target(
    sources: &[&'static ModelSource],
    head: &Parts,
    target: &str,
    signing: Option<&str>,
    parameters: Pairs,
) -> Result<Recognised, Unrecognised> {
    let (prefix, name) = target.rsplit_once('.').unwrap_or_default();
    let meant = sources.iter().copied().find(|source| !source.target.is_empty() && source.target == prefix);
    // Whom a request is signed for can say in its own protocol that it has no such operation.
    let source = meant.or_else(|| targets(sources, signing)).ok_or(Unrecognised::NotAws)?;
    let protocol = match header(head, CONTENT_TYPE.as_str()).unwrap_or_default() {
        kind if kind.starts_with("application/x-amz-cbor-1.1") => Protocol::OldCbor,
        kind if kind.starts_with("application/x-amz-json-1.0") => Protocol::Json10,
        kind if kind.starts_with("application/x-amz-json-1.1") => Protocol::Json11,
        _ if source.model().json == "1.0" => Protocol::Json10,
        _ => Protocol::Json11,
    };
    match meant {
        Some(source) => named(source, protocol, name, parameters),
        None => Err(no_operation(source, protocol, target)),
    }
}

fn by_service_path(
    sources: &[&'static ModelSource],
    head: &Parts,
    parameters: Pairs,
) -> Result<Recognised, Unrecognised> {
    let path = split_path(head.uri.path());
    let [.., "service", service, "operation", name] = path[..] else { return Err(Unrecognised::NotAws) };
    let source = sources.iter().find(|source| source.speaks("smithy-rpc-v2-cbor") && source.target == service);
    named(source.ok_or(Unrecognised::NotAws)?, Protocol::RpcCbor, name, parameters)
}

/// An API version is one service's alone among those that speak the query protocol; the signature decides where it is missing, and the
/// operation's name where that is missing too.
fn by_action(
    sources: &[&'static ModelSource],
    action: String,
    signing: Option<&str>,
    form: Pairs,
) -> Result<Recognised, Unrecognised> {
    let version = form.iter().find(|(key, _)| key == "Version").map(|(_, version)| version.as_str());
    let speaks = || sources.iter().filter(|source| source.speaks("query"));
    let by_both = speaks().find(|s| Some(s.signing) == signing && version.is_none_or(|version| s.version == version));
    let by_version = || speaks().find(|source| Some(source.version) == version);
    // A link has neither: whoever knows the operation is meant.
    let is_link = signing.is_none() && version.is_none();
    let by_name = || speaks().find(|source| is_link && source.model().operation(&action).is_some());
    let source = by_both.or_else(by_version).or_else(by_name);
    named(source.ok_or(Unrecognised::NotAws)?, Protocol::Query, &action, form)
}

fn named(
    source: &'static ModelSource,
    protocol: Protocol,
    name: &str,
    parameters: Pairs,
) -> Result<Recognised, Unrecognised> {
    match source.model().operation(name) {
        Some(operation) => Ok(Recognised { source, operation, protocol, labels: Pairs::new(), parameters }),
        None => Err(no_operation(source, protocol, name)),
    }
}

fn no_operation(source: &'static ModelSource, protocol: Protocol, name: &str) -> Unrecognised {
    Unrecognised::NoOperation { source, protocol, name: name.chars().take(128).collect() }
}

fn by_path(
    sources: &[&'static ModelSource],
    head: &Parts,
    signing: Option<&str>,
    parameters: Pairs,
) -> Result<Recognised, Unrecognised> {
    let protocol = |source: &ModelSource| match (source.speaks("rest-json"), source.speaks("rest-xml")) {
        (true, _) => Some(Protocol::RestJson),
        (_, true) => Some(Protocol::RestXml),
        _ => None,
    };
    let host = signing.is_none().then(|| hinted_service(sources, head)).flatten();
    let name = signing.or(host);
    let meant =
        |source: &&'static ModelSource| name.is_none_or(|name| source.signing == name || source.endpoint == name);
    let path = split_path(head.uri.path());
    let method = head.method.as_str();
    let mut best: Option<(Fit, &'static ModelSource, Protocol, &'static Route)> = None;
    let mut nearest = None;
    for source in sources.iter().copied().filter(meant) {
        let Some(protocol) = protocol(source) else { continue };
        // Without a hint only a path that begins with a fixed part tells the service, and only such tables are worth parsing.
        nearest = nearest.or(name.map(|_| (source, protocol)));
        for route in source.model().routes.iter().filter(|route| name.is_some() || route.begins_literal()) {
            let Some(fit) = route.fit(method, &path, &parameters) else { continue };
            if best.as_ref().is_none_or(|(best_fit, ..)| fit > *best_fit) {
                best = Some((fit, source, protocol, route));
            }
        }
    }
    match (best, nearest) {
        (Some((_, source, protocol, route)), _) => {
            let operation = &source.model().operations[route.operation];
            Ok(Recognised { source, operation, protocol, labels: route.labels(&path), parameters })
        }
        (None, Some((source, protocol))) => {
            let path: String = head.uri.path().chars().take(128).collect();
            Err(Unrecognised::NoOperation { source, protocol, name: format!("{method} {path}") })
        }
        (None, None) => Err(Unrecognised::NotAws),
    }
}

/// The service that the host's first label names, as in `lambda.us-east-1.amazonaws.com` or `s3.localhost`.
fn hinted_service(sources: &[&'static ModelSource], head: &Parts) -> Option<&'static str> {
    let host = header(head, "host").or_else(|| head.uri.host())?;
    let (first, _) = host.split_once('.')?;
    sources.iter().find(|source| source.endpoint == first).map(|source| source.endpoint)
}
