//! API Gateway: HTTP APIs, REST APIs and the hosts of function URLs, from users' HTTP to functions.
//!
//! An API is kept as one record in the store; what its stages serve is a copy, made when it was deployed. Requests never see the store:
//! they read a directory in memory (`serve/live.rs`) that every change replaces as a whole.
//!
//! Invariants:
//! - An id belongs to one API of the platform, of whichever kind, account and region.
//! - A change is in the directory before its operation answers, and in the order of the commits.
//! - What the gateway cannot do (authorizers, API keys, HTTP integrations, templates) is refused when it is asked for, never kept
//!   and left undone.
//!
//! Functions are called as `apigateway.amazonaws.com`; their resource policies are not consulted, so a permission that AWS would ask
//! for is not missed here.

mod cors;
mod error;
mod faults;
mod http_api;
mod ids;
mod keys;
mod lambda_uri;
mod openapi;
mod page;
mod rest_api;
mod serve;
mod tagging;
mod unsupported;
mod v1;
mod v2;

pub use cors::Cors;
pub use error::Error;
pub use serve::{FunctionUrl, Target, UrlAuth, Urls};

use fogbank_model::{Clock, Invoke};
use fogbank_store::{Snapshot, Store, Tx};
use fogbank_wire::{Auth, Service};
use ids::Ids;
use serve::live::Directory;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// All APIs; one for the process.
pub struct Gateway {
    store: Store,
    clock: Arc<dyn Clock>,
    auth: Auth,
    invoke: Arc<dyn Invoke>,
    urls: Arc<dyn Urls>,
    ids: Ids,
    directory: RwLock<Arc<Directory>>,
    /// Held while the directory is replaced, so that a later state is never put back behind an earlier one.
    publishing: Mutex<()>,
}

impl Gateway {
    /// The APIs kept in `store`. `auth` decides whose signatures function URLs with `AWS_IAM` accept.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        auth: Auth,
        invoke: Arc<dyn Invoke>,
        urls: Arc<dyn Urls>,
    ) -> Result<Arc<Self>, Error> {
        let directory = store.read(Directory::load)?;
        let ids = Ids(clock.clone());
        let directory = RwLock::new(Arc::new(directory));
        Ok(Arc::new(Self { store, clock, auth, invoke, urls, ids, directory, publishing: Mutex::default() }))
    }

    /// What the wire serves: `apigatewayv2` and `apigateway`.
    pub fn services(self: &Arc<Self>) -> Vec<Service> {
        vec![v2::service(self), v1::service(self)]
    }

    fn directory(&self) -> Arc<Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `change` in a transaction.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.store.transact(change).await
    }

    /// Reads one committed state.
    fn look<T>(&self, look: impl FnOnce(&Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        self.store.read(look)
    }

    /// Lets requests see the API `id` as it was committed.
    fn publish(&self, id: &str) -> Result<(), Error> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.directory().clone();
        let next = self.store.read(|state| next.with(state, id))?;
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
