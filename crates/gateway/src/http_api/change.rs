//! How an HTTP API is changed: in one transaction with the deployments that follow from it, and then published.

use super::{HttpApi, NewApi, create, get, redeploy};
use crate::{Error, Gateway, keys};
use fogbank_model::RequestContext;
use fogbank_store::Tx;

impl Gateway {
    /// Creates an API, and then lets `fill` go on with it.
    pub(crate) async fn create_http_api(
        &self,
        context: RequestContext,
        new: NewApi,
        mut fill: impl FnMut(&mut HttpApi) -> Result<(), Error> + Send + 'static,
    ) -> Result<HttpApi, Error> {
        let ids = self.ids.clone();
        let made = self.change(move |tx| {
            let mut api = create(tx, &context, &ids, &new)?;
            fill(&mut api)?;
            redeploy(tx, &mut api, &ids)?;
            tx.save(keys::HTTP_APIS, api.id.as_bytes(), &api)?;
            Ok(api)
        });
        let api = made.await?;
        self.publish(&api.id)?;
        Ok(api)
    }

    /// Runs `change` over the API `id`.
    pub(crate) async fn change_http_api<T: Send + 'static>(
        &self,
        context: RequestContext,
        id: String,
        mut change: impl FnMut(&mut HttpApi, &mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (ids, key) = (self.ids.clone(), id.clone());
        let changed = self.change(move |tx| {
            let mut api = get(tx, &context, &key)?;
            let answer = change(&mut api, tx)?;
            redeploy(tx, &mut api, &ids)?;
            tx.save(keys::HTTP_APIS, key.as_bytes(), &api)?;
            Ok(answer)
        });
        let answer = changed.await?;
        self.publish(&id)?;
        Ok(answer)
    }

    /// Deletes the API `id` with everything in it.
    pub(crate) async fn delete_http_api(&self, context: RequestContext, id: String) -> Result<(), Error> {
        let key = id.clone();
        let deleted = self.change(move |tx| {
            let api = get(tx, &context, &key)?;
            for deployment in api.deployments.keys() {
                tx.delete(keys::DEPLOYED, &keys::deployed(&key, deployment));
            }
            tx.delete(keys::HTTP_APIS, key.as_bytes());
            Ok(())
        });
        deleted.await?;
        self.publish(&id)
    }
}
