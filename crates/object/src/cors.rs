//! Which pages of other sites a bucket lets in.

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
        let lets_header = |header: &String| headers.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), header));
        rule.allowed_origins.iter().any(|pattern| fits(pattern, asked.origin))
            && rule.allowed_methods.iter().any(|method| AsRef::<str>::as_ref(method) == asked.method)
            && asked.headers.iter().all(lets_header)
    })
}

/// Whether `text` fits a pattern with at most one `*`.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_star() {
        assert!(fits("*", "http://a"));
        assert!(fits("http://*.example.com", "http://www.example.com"));
        assert!(!fits("http://*.example.com", "http://example.com"));
        assert!(!fits("http://a", "http://b"));
    }
}
