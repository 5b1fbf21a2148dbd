//! The answers that the gateway gives by itself when a request does not get through, in the words of each kind of API.

use fogbank_wire::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Http,
    Rest,
    Url,
}

/// Why a request does not get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No stage or no route takes it.
    NoRoute,
    /// The API answers nobody, there is none, or the caller must not call.
    Forbidden,
    /// The body is too large.
    TooLarge,
    /// The function failed, or answered what cannot be mapped.
    Failed,
    /// The function could not be called.
    Unreachable,
    /// The function did not answer in time.
    TimedOut,
    /// The function may not run more instances now.
    Busy,
}

impl Refusal {
    fn words(self, voice: Voice) -> (u16, &'static str, &'static str) {
        match (voice, self) {
            (Voice::Http, Self::NoRoute) => (404, "", r#"{"message":"Not Found"}"#),
            (Voice::Http, Self::Forbidden) => (403, "", r#"{"message":"Forbidden"}"#),
            (Voice::Http, Self::TooLarge) => (413, "", r#"{"message":"Request Entity Too Large"}"#),
            (Voice::Http, Self::Failed | Self::Unreachable) => (500, "", r#"{"message":"Internal Server Error"}"#),
            (Voice::Http, Self::TimedOut | Self::Busy) => (503, "", r#"{"message":"Service Unavailable"}"#),
            (Voice::Rest, Self::NoRoute) => {
                (403, "MissingAuthenticationTokenException", r#"{"message":"Missing Authentication Token"}"#)
            }
            (Voice::Rest, Self::Forbidden) => (403, "ForbiddenException", r#"{"message":"Forbidden"}"#),
            (Voice::Rest, Self::TooLarge) => (413, "RequestTooLargeException", r#"{"message":"Request Too Long"}"#),
            (Voice::Rest, Self::Failed) => {
                (502, "InternalServerErrorException", r#"{"message": "Internal server error"}"#)
            }
            (Voice::Rest, Self::Unreachable | Self::Busy) => {
                (500, "InternalServerErrorException", r#"{"message": "Internal server error"}"#)
            }
            (Voice::Rest, Self::TimedOut) => {
                (504, "InternalServerErrorException", r#"{"message": "Endpoint request timed out"}"#)
            }
            (Voice::Url, Self::NoRoute) => (404, "", r#"{"Message":"Not Found"}"#),
            (Voice::Url, Self::Forbidden) => (403, "AccessDeniedException", r#"{"Message":"Forbidden"}"#),
            (Voice::Url, Self::TooLarge) => (413, "", r#"{"Message":"Request Entity Too Large"}"#),
            (Voice::Url, Self::Failed | Self::TimedOut) => (502, "", "Internal Server Error"),
            (Voice::Url, Self::Unreachable) => (500, "", r#"{"Message":"Internal Server Error"}"#),
            (Voice::Url, Self::Busy) => (429, "TooManyRequestsException", r#"{"Message":"Rate Exceeded."}"#),
        }
    }

    /// The answer.
    pub fn response(self, voice: Voice) -> Response<Body> {
        let (status, error_type, text) = self.words(voice);
        let mut response = Response::new(Body::Full(text.into()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if text.starts_with('{') { "application/json" } else { "text/plain" };
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if !error_type.is_empty() {
            let name = HeaderName::from_static("x-amzn-errortype");
            response.headers_mut().insert(name, HeaderValue::from_static(error_type));
        }
        response
    }
}
