//! Function URLs: an HTTP address of a function's own, which the gateway serves.

use crate::model::{Cors, Function, FunctionKey, FunctionUrl};
use crate::permission::part;
use crate::registry::Turn;
use crate::{Error, Functions};
use fogbank_model::Qualifier;
use std::sync::Arc;

/// Length of the random first label of a URL's host name, and its alphabet; 32 of them, so that every byte picks evenly.
const ID_LENGTH: usize = 32;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What a function URL is to be; what is absent stays as it is.
#[derive(Debug, Default)]
pub struct UrlChange {
    /// `NONE` or `AWS_IAM`.
    pub auth_type: Option<String>,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// `BUFFERED` or `RESPONSE_STREAM`.
    pub invoke_mode: Option<String>,
}

impl Functions {
    /// Makes the URL of a function or of an alias.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`].
    pub async fn create_url(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        change: UrlChange,
    ) -> Result<Arc<FunctionUrl>, Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            if let Some(Qualifier::Alias(alias)) = qualifier {
                function.alias(alias)?;
            }
            if function.urls.contains_key(&part(qualifier)) {
                let arn = qualifier.map_or_else(|| key.arn(), |qualifier| key.qualified_arn(qualifier));
                return Err(Error::Conflict(format!(
                    "Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists for this Lambda function"
                )));
            }
            let url = FunctionUrl {
                id: new_id(turn),
                qualifier: qualifier.cloned().unwrap_or(Qualifier::Latest),
                auth_type: change.auth_type.unwrap_or_else(|| "AWS_IAM".into()),
                cors: change.cors,
                invoke_mode: change.invoke_mode.unwrap_or_else(|| "BUFFERED".into()),
                created: turn.now,
                modified: turn.now,
            };
            let url = Arc::new(url);
            function.urls.insert(part(qualifier), url.clone());
            Ok(url)
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Changes a URL.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn update_url(
        &self,
        key: &FunctionKey,
        qualifier: Option<&Qualifier>,
        change: UrlChange,
    ) -> Result<Arc<FunctionUrl>, Error> {
        let edit = |function: &mut Function, turn: &Turn| {
            let mut url = FunctionUrl::clone(find(function, qualifier)?);
            url.auth_type = change.auth_type.unwrap_or(url.auth_type);
            url.cors = change.cors.or(url.cors);
            url.invoke_mode = change.invoke_mode.unwrap_or(url.invoke_mode);
            url.modified = turn.now;
            let url = Arc::new(url);
            function.urls.insert(part(qualifier), url.clone());
            Ok(url)
        };
        Ok(self.registry.edit(key, edit).await?.0)
    }

    /// Deletes a URL; its address is not used again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_url(&self, key: &FunctionKey, qualifier: Option<&Qualifier>) -> Result<(), Error> {
        let edit = |function: &mut Function, _: &Turn| {
            find(function, qualifier)?;
            function.urls.remove(&part(qualifier));
            Ok(())
        };
        self.registry.edit(key, edit).await.map(drop)
    }

    /// The function behind the first label of a URL's host name, and the URL's settings, for the gateway.
    pub fn url(&self, id: &str) -> Option<(Arc<Function>, Arc<FunctionUrl>)> {
        let snapshot = self.snapshot();
        let (function, qualifier) = snapshot.url(id)?;
        Some((function.clone(), function.urls.get(qualifier)?.clone()))
    }
}

/// The URL of a function or an alias.
pub(crate) fn find<'a>(function: &'a Function, qualifier: Option<&Qualifier>) -> Result<&'a Arc<FunctionUrl>, Error> {
    let none = || Error::NotFound("The resource you requested does not exist.".into());
    function.urls.get(&part(qualifier)).ok_or_else(none)
}

fn new_id(turn: &Turn) -> String {
    let mut random = [0u8; ID_LENGTH];
    turn.clock.random(&mut random);
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}
