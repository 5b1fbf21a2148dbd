//! Matching: which route a request takes.
//!
//! An exact part of a path beats `{name}`, that beats `{name+}`, and all of them beat `$default`; a method's own name beats `ANY`. In an
//! HTTP API a route whose method does not fit is passed over; in a REST API the path alone chooses the resource, which then has
//! the method or not.

use percent_encoding::percent_decode_str;

/// A path with places for parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// `{name+}`: all the rest, at least one part.
    Greedy(String),
}

/// How exactly a pattern fits, by part; the smaller, the better.
type Rank = Vec<u8>;

/// Names and decoded values of path parameters.
pub(crate) type Parameters = Vec<(String, String)>;

impl Pattern {
    /// Reads `/pets/{id}/{rest+}`.
    pub fn parse(path: &str) -> Result<Self, &'static str> {
        let rest = path.strip_prefix('/').ok_or("the path must begin with '/'")?;
        let mut segments = Vec::new();
        for part in rest.split('/').filter(|_| !rest.is_empty()) {
            if matches!(segments.last(), Some(Segment::Greedy(_))) {
                return Err("nothing may follow a greedy parameter");
            }
            segments.push(Segment::parse(part)?);
        }
        let names: Vec<&str> = segments.iter().filter_map(Segment::name).collect();
        let twice = names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
        if twice {
            return Err("a parameter's name may stand only once in a path");
        }
        Ok(Self(segments))
    }

    fn fit(&self, parts: &[String]) -> Option<(Rank, Parameters)> {
        let mut rank = Rank::new();
        let mut parameters = Parameters::new();
        for (at, segment) in self.0.iter().enumerate() {
            let part = parts.get(at)?;
            match segment {
                Segment::Literal(text) if text == part => rank.push(0),
                Segment::Parameter(name) if !part.is_empty() => {
                    rank.push(1);
                    parameters.push((name.clone(), part.clone()));
                }
                Segment::Greedy(name) => {
                    let rest = parts.get(at..)?.join("/");
                    rank.push(2);
                    parameters.push((name.clone(), rest.clone()));
                    return (!rest.is_empty()).then_some((rank, parameters));
                }
                Segment::Literal(_) | Segment::Parameter(_) => return None,
            }
        }
        (parts.len() == self.0.len()).then_some((rank, parameters))
    }
}

impl Segment {
    fn parse(part: &str) -> Result<Self, &'static str> {
        let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            return match part.contains(['{', '}']) {
                true => Err("a parameter must be a whole part of the path, as in /{id}"),
                false => Ok(Self::Literal(part.into())),
            };
        };
        let (name, greedy) = inner.strip_suffix('+').map_or((inner, false), |name| (name, true));
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:".contains(&b);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err("a parameter's name has letters, digits and ._-: only");
        }
        Ok(if greedy { Self::Greedy(name.into()) } else { Self::Parameter(name.into()) })
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Greedy(name) => Some(name),
        }
    }
}

/// Which rules decide between routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Those of HTTP APIs.
    Http,
    /// Those of REST APIs.
    Rest,
}

/// All routes of a stage.
#[derive(Debug)]
pub(crate) struct Routes<T> {
    rules: Rules,
    entries: Vec<Entry<T>>,
    default: Option<T>,
}

#[derive(Debug)]
struct Entry<T> {
    /// In capital letters; `ANY` takes all.
    method: String,
    pattern: Pattern,
    target: T,
}

/// The route that a request takes.
#[derive(Debug)]
pub(crate) struct Found<'r, T> {
    pub target: &'r T,
    pub parameters: Parameters,
}

impl<T> Routes<T> {
    pub fn new(rules: Rules) -> Self {
        Self { rules, entries: Vec::new(), default: None }
    }

    /// Adds a route; a pattern that cannot be read is left out, since it was refused when the route was made.
    pub fn add(&mut self, method: &str, path: &str, target: T) {
        if let Ok(pattern) = Pattern::parse(path) {
            self.entries.push(Entry { method: method.into(), pattern, target });
        }
    }

    /// Sets what takes the requests that no route fits.
    pub fn set_default(&mut self, target: T) {
        self.default = Some(target);
    }

    /// The best route for `method` and the still encoded `path`.
    pub fn find(&self, method: &str, path: &str) -> Option<Found<'_, T>> {
        let parts = split(path, self.rules);
        let takes = |entry: &Entry<T>| entry.method == method || entry.method == "ANY";
        let fitting = self.entries.iter().filter(|entry| self.rules == Rules::Rest || takes(entry));
        let mut best: Option<(Rank, bool, bool, &Entry<T>, Parameters)> = None;
        for entry in fitting {
            let Some((rank, parameters)) = entry.pattern.fit(&parts) else { continue };
            let order = (rank, !takes(entry), entry.method == "ANY");
            if best.as_ref().is_none_or(|(rank, other, any, ..)| order < (rank.clone(), *other, *any)) {
                best = Some((order.0, order.1, order.2, entry, parameters));
            }
        }
        match best {
            Some((_, other_method, _, entry, parameters)) => {
                (!other_method).then_some(Found { target: &entry.target, parameters })
            }
            None => self.default.as_ref().map(|target| Found { target, parameters: Parameters::new() }),
        }
    }
}

/// The decoded parts of a path. A REST API does not see a slash at the end.
fn split(path: &str, rules: Rules) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = if rules == Rules::Rest { path.strip_suffix('/').unwrap_or(path) } else { path };
    let parts = path.split('/').filter(|_| !path.is_empty());
    parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEYS: [&str; 10] = [
        "GET /",
        "GET /pets",
        "ANY /pets",
        "GET /pets/{id}",
        "POST /pets/dog",
        "GET /pets/dog/{n}",
        "GET /pets/{kind}/1",
        "ANY /pets/{proxy+}",
        "GET /a/{x}/{rest+}",
        "DELETE /only",
    ];

    fn routes(rules: Rules, default: bool) -> Routes<&'static str> {
        let mut routes = Routes::new(rules);
        for key in KEYS {
            let (method, path) = key.split_once(' ').unwrap();
            routes.add(method, path, key);
        }
        if default {
            routes.set_default("$default");
        }
        routes
    }

    fn show(routes: &Routes<&'static str>, request: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        let Some(found) = routes.find(method, path) else { return "-".into() };
        let parameters = found.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
        format!("{}{}", found.target, parameters.collect::<String>())
    }

    #[test]
    fn an_http_api_takes_the_most_exact_route_that_has_the_method() {
        let table = [
            ("GET /", "GET /"),
            ("GET /pets", "GET /pets"),
            ("PUT /pets", "ANY /pets"),
            ("GET /pets/cat", "GET /pets/{id} id=cat"),
            ("GET /pets/a%20b%2Fc", "GET /pets/{id} id=a b/c"),
            ("POST /pets/dog", "POST /pets/dog"),
            ("GET /pets/dog", "GET /pets/{id} id=dog"),
            ("DELETE /pets/dog", "ANY /pets/{proxy+} proxy=dog"),
            ("GET /pets/dog/1", "GET /pets/dog/{n} n=1"),
            ("GET /pets/cat/1", "GET /pets/{kind}/1 kind=cat"),
            ("GET /pets/cat/2/x", "ANY /pets/{proxy+} proxy=cat/2/x"),
            ("GET /a/1/2/3", "GET /a/{x}/{rest+} x=1 rest=2/3"),
            ("GET /a/1", "-"),
            ("GET /pets/", "-"),
            ("GET /only", "-"),
            ("GET /none", "-"),
        ];
        for (request, expected) in table {
            assert_eq!(show(&routes(Rules::Http, false), request), expected, "{request}");
        }
        assert_eq!(show(&routes(Rules::Http, true), "GET /none"), "$default");
        assert_eq!(show(&routes(Rules::Http, true), "PUT /"), "$default");
    }

    #[test]
    fn a_rest_api_chooses_the_resource_before_the_method() {
        let table = [
            ("GET /pets/", "GET /pets"),
            ("PUT /pets", "ANY /pets"),
            ("GET /pets/dog", "-"),
            ("POST /pets/cat", "-"),
            ("POST /pets/cat/2/x", "ANY /pets/{proxy+} proxy=cat/2/x"),
            ("GET /only", "-"),
        ];
        for (request, expected) in table {
            assert_eq!(show(&routes(Rules::Rest, false), request), expected, "{request}");
        }
    }

    #[test]
    fn a_pattern_that_could_never_fit_is_refused() {
        for path in ["pets", "/{a+}/b", "/x{a}", "/{}", "/{a}/{a}", "/{a b}"] {
            assert!(Pattern::parse(path).is_err(), "{path}");
        }
    }
}
