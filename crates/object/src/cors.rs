//! Which pages of other sites a bucket lets in.

use fogbank_model::matches_wildcard;
use s3s::dto::CORSRule;

/// What a browser asks for, in a preflight or with the request itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked<'a> {
    pub origin: &'a str,
    pub method: &'a str,
    /// The names of headers, in lower case.
    pub headers: Vec<String>,
}

/// The first rule that lets `asked` in.
pub(crate) fn matching<'r>(rules: &'r [CORSRule], asked: &Asked<'_>) -> Option<&'r CORSRule> {
    rules.iter().find(|rule| {
        let headers = rule.allowed_headers.as_deref().unwrap_or_default();
        let lets_header =
            |header: &String| headers.iter().any(|pattern| matches_wildcard(&pattern.to_ascii_lowercase(), header));
        rule.allowed_origins.iter().any(|pattern| matches_wildcard(pattern, asked.origin))
            && rule.allowed_methods.iter().any(|method| AsRef::<str>::as_ref(method) == asked.method)
            && asked.headers.iter().all(lets_header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_star() {
        let lets_in = |pattern: &str, origin: &str| {
            let rule = CORSRule {
                allowed_methods: vec!["GET".into()],
                allowed_origins: vec![pattern.into()],
                ..CORSRule::default()
            };
            matching(&[rule], &Asked { origin, method: "GET", headers: Vec::new() }).is_some()
        };
        assert!(lets_in("*", "http://a"));
        assert!(lets_in("http://*.example.com", "http://www.example.com"));
        assert!(!lets_in("http://*.example.com", "http://example.com"));
        assert!(!lets_in("http://a", "http://b"));
    }
}
