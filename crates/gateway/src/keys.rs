//! The store's tables of this crate, and their keys.

use fogbank_store::Table;

/// The API's id to [`crate::http_api::HttpApi`].
pub(crate) const HTTP_APIS: Table = Table("gateway.http-api");
/// The API's id to [`crate::rest_api::RestApi`].
pub(crate) const REST_APIS: Table = Table("gateway.rest-api");
/// `API/DEPLOYMENT` to what was deployed: [`crate::http_api::Deployed`] or [`crate::rest_api::Deployed`].
pub(crate) const DEPLOYED: Table = Table("gateway.deployed");

/// The key of an API's deployment.
pub(crate) fn deployed(api: &str, deployment: &str) -> Vec<u8> {
    format!("{api}/{deployment}").into_bytes()
}
