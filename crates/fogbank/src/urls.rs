//! Function URLs as the gateway asks for them, found among the functions.

use fogbank_functions::Functions;
use fogbank_gateway::{Cors, FunctionUrl, UrlAuth, Urls};
use fogbank_model::{FunctionRef, Qualifier};
use std::sync::Arc;

/// The URLs of all functions.
pub struct UrlsOf(pub Arc<Functions>);

impl Urls for UrlsOf {
    fn find(&self, id: &str) -> Option<FunctionUrl> {
        let (function, url) = self.0.url(id)?;
        let qualifier = Some(url.qualifier.clone()).filter(|qualifier| *qualifier != Qualifier::Latest);
        let (scope, name) = (function.key.scope.clone(), function.key.name.clone());
        Some(FunctionUrl {
            function: FunctionRef { account: scope.account, region: scope.region, name, qualifier },
            auth: if url.auth_type == "NONE" { UrlAuth::None } else { UrlAuth::Iam },
            cors: url.cors.clone().map(|cors| Cors {
                allow_credentials: cors.allow_credentials,
                allow_headers: cors.allow_headers,
                allow_methods: cors.allow_methods,
                allow_origins: cors.allow_origins,
                expose_headers: cors.expose_headers,
                max_age: cors.max_age.map(i64::from),
            }),
            streams: url.invoke_mode == "RESPONSE_STREAM",
        })
    }
}
