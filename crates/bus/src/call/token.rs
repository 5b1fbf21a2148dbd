//! Access tokens of OAuth connections, kept until they end.

use super::request::pairs;
use crate::connection::Connection;
use crate::outbound::Outbound;
use bytes::Bytes;
use fogbank_model::Timestamp;
use http::{Request, header};
use http_body_util::Full;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a token counts whose issuer does not say.
const USUAL: Duration = Duration::from_secs(3600);
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(30);

struct Token {
    text: String,
    /// Which state of the connection it is for.
    of: Timestamp,
    until: Timestamp,
}

/// Tokens by their connections' ids.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Token>>);

impl Tokens {
    /// A token for `connection`: the one that is there, or a new one.
    pub(super) async fn of(
        &self,
        outbound: &Outbound,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<String, String> {
        if let Some(token) = self.kept(connection, now) {
            return Ok(token);
        }
        let answer = outbound.send(request(connection)?).await?;
        if !answer.status().is_success() {
            return Err(format!("The authorization endpoint answered with status code {}.", answer.status().as_u16()));
        }
        let answer: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
        let text =
            answer["access_token"].as_str().ok_or("The authorization endpoint gave no access_token.")?.to_owned();
        let lasts = answer["expires_in"].as_u64().map_or(USUAL, Duration::from_secs).saturating_sub(MARGIN);
        let token = Token { text: text.clone(), of: connection.modified, until: now.plus(lasts) };
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.until > now);
        tokens.insert(connection.id.clone(), token);
        Ok(text)
    }

    fn kept(&self, connection: &Connection, now: Timestamp) -> Option<String> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&connection.id);
        token.filter(|token| token.of == connection.modified && token.until > now).map(|token| token.text.clone())
    }

    /// Drops a token that was refused.
    pub(super) fn forget(&self, connection: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }
}

/// A request for a token, of the grant `client_credentials`.
fn request(connection: &Connection) -> Result<Request<Full<Bytes>>, String> {
    let oauth = &connection.parameters["OAuthParameters"];
    let client = |member: &str| oauth["ClientParameters"][member].as_str().unwrap_or_default().to_owned();
    let extra = &oauth["OAuthHttpParameters"];
    let mut form = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
    form.extend([("client_id".to_owned(), client("ClientID")), ("client_secret".to_owned(), client("ClientSecret"))]);
    form.extend(pairs(&extra["BodyParameters"]));
    let encode = |pairs: &[(String, String)]| {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let each: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        each.join("&")
    };
    let mut uri = oauth["AuthorizationEndpoint"].as_str().unwrap_or_default().to_owned();
    let mut query = pairs(&extra["QueryStringParameters"]);
    let method = oauth["HttpMethod"].as_str().unwrap_or("POST");
    if method == "GET" {
        query.append(&mut form);
    }
    if !query.is_empty() {
        uri.push(if uri.contains('?') { '&' } else { '?' });
        uri.push_str(&encode(&query));
    }
    let mut request = Request::builder().method(method).uri(uri).header(header::ACCEPT, "application/json");
    for (name, value) in pairs(&extra["HeaderParameters"]) {
        request = request.header(name, value);
    }
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Full::new(Bytes::from(encode(&form)))).map_err(|error| error.to_string())
}
