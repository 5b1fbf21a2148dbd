//! Matches method, path and query with the URI patterns of REST operations.

use percent_encoding::percent_decode_str;

/// One operation's method and URI pattern, such as `GET /2015-03-31/functions/{FunctionName}` or `PUT /{Bucket}/{Key+}?acl`.
#[derive(Debug)]
pub(crate) struct Route {
    /// Index of the operation.
    pub operation: usize,
    method: String,
    segments: Vec<Segment>,
    query: Vec<(String, Option<String>)>,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Label(String),
    Greedy(String),
}

/// How a route fits: the more specific wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit {
    literals: usize,
    query: usize,
    not_greedy: bool,
}

/// The path's segments as they are on the wire, without leading and trailing slash.
pub(crate) fn split_path(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() { Vec::new() } else { path.split('/').collect() }
}

impl Route {
    pub fn new(operation: usize, method: &str, uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let segment = |text: &str| match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(label) => match label.strip_suffix('+') {
                Some(label) => Segment::Greedy(label.into()),
                None => Segment::Label(label.into()),
            },
            None => Segment::Literal(text.into()),
        };
        let pair = |text: &str| match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text.to_owned(), None),
        };
        Self {
            operation,
            method: method.into(),
            segments: split_path(path).into_iter().map(segment).collect(),
            query: query.split('&').filter(|part| !part.is_empty()).map(pair).collect(),
        }
    }

    /// Whether the first segment is fixed, so that the path alone tells which service is meant.
    pub fn begins_literal(&self) -> bool {
        matches!(self.segments.first(), Some(Segment::Literal(_)))
    }

    /// Whether and how well a request fits.
    pub fn fit(&self, method: &str, path: &[&str], query: &[(String, String)]) -> Option<Fit> {
        if self.method != method {
            return None;
        }
        let greedy = self.segments.iter().any(|segment| matches!(segment, Segment::Greedy(_)));
        if !(self.segments.len() == path.len() || greedy && path.len() > self.segments.len()) {
            return None;
        }
        let mut rest = path;
        for (at, segment) in self.segments.iter().enumerate() {
            let taken = match segment {
                Segment::Literal(text) => (rest.first()? == text).then_some(1)?,
                Segment::Label(_) => (!rest.first()?.is_empty()).then_some(1)?,
                Segment::Greedy(_) => rest.len().checked_sub(self.segments.len() - at - 1)?,
            };
            rest = rest.get(taken..)?;
        }
        let present = |(key, value): &(String, Option<String>)| {
            query.iter().any(|(k, v)| k == key && value.as_ref().is_none_or(|value| v == value))
        };
        let literals = self.segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
        let all = rest.is_empty() && self.query.iter().all(present);
        all.then_some(Fit { literals, query: self.query.len(), not_greedy: !greedy })
    }

    /// The labels' values, percent-decoded. Call it after [`Self::fit`] said yes.
    pub fn labels(&self, path: &[&str]) -> Vec<(String, String)> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut labels = Vec::new();
        let mut rest = path;
        for (at, segment) in self.segments.iter().enumerate() {
            let taken = match segment {
                Segment::Greedy(_) => rest.len().saturating_sub(self.segments.len() - at - 1),
                _ => 1,
            };
            let (these, after) = rest.split_at(taken.min(rest.len()));
            match segment {
                Segment::Literal(_) => {}
                Segment::Label(name) | Segment::Greedy(name) => labels.push((name.clone(), decode(&these.join("/")))),
            }
            rest = after;
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn query(text: &str) -> Vec<(String, String)> {
        text.split('&')
            .filter(|p| !p.is_empty())
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (k.into(), v.into()))
            .collect()
    }

    #[test]
    fn labels_are_taken_and_decoded() {
        let route = Route::new(0, "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}");
        let path = split_path("/2015-03-31/functions/arn%3Aaws%2Fx/aliases/live/");
        assert!(route.fit("GET", &path, &[]).is_some());
        assert!(route.fit("POST", &path, &[]).is_none());
        assert_eq!(route.labels(&path), [("FunctionName".into(), "arn:aws/x".into()), ("Name".into(), "live".into())]);
    }

    #[test]
    fn a_greedy_label_takes_the_rest_of_the_path() {
        let route = Route::new(0, "PUT", "/{Bucket}/{Key+}");
        let path = split_path("/b/a/b%20c");
        assert!(route.fit("PUT", &path, &[]).is_some());
        assert_eq!(route.labels(&path)[1].1, "a/b c");
        assert!(route.fit("PUT", &split_path("/b"), &[]).is_none());
    }

    #[test]
    fn a_static_query_part_makes_a_route_more_specific() {
        let plain = Route::new(0, "GET", "/{Bucket}");
        let acl = Route::new(1, "GET", "/{Bucket}?acl");
        let path = split_path("/b");
        assert!(acl.fit("GET", &path, &[]).is_none());
        assert!(acl.fit("GET", &path, &query("acl")) > plain.fit("GET", &path, &query("acl")));
    }

    #[test]
    fn an_empty_segment_is_no_label() {
        let route = Route::new(0, "GET", "/functions/{Name}/policy");
        assert!(route.fit("GET", &split_path("/functions//policy"), &[]).is_none());
    }
}
