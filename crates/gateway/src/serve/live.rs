//! The APIs as requests see them: in memory, complete, and never changed in place. A change of an API puts a new directory in the
//! place of the old one; requests under way keep theirs.

use super::mock::{self, MockAnswer};
use super::route::{Routes, Rules};
use crate::http_api::{self, HttpApi, Payload};
use crate::rest_api::{self, Kind, RestApi};
use crate::{Cors, Error, ids, keys, lambda_uri};
use fogbank_model::{AccountId, FunctionRef, Region};
use fogbank_store::Read;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// An API that is served.
#[derive(Debug)]
pub(crate) struct LiveApi {
    pub id: String,
    pub name: String,
    pub account: AccountId,
    pub region: Region,
    pub rules: Rules,
    pub cors: Option<Cors>,
    pub closed: bool,
    pub stages: BTreeMap<String, LiveStage>,
}

/// A stage that is served.
#[derive(Debug)]
pub(crate) struct LiveStage {
    pub name: String,
    pub deployment: String,
    pub variables: BTreeMap<String, String>,
    pub binary_media_types: Vec<String>,
    pub tracing: bool,
    pub routes: Routes<Endpoint>,
}

/// What a route leads to.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// An HTTP API's route key, a REST API's resource path.
    pub route: String,
    /// Of a REST API.
    pub resource_id: String,
    pub action: Action,
}

/// What answers.
#[derive(Debug)]
pub(crate) enum Action {
    /// A function.
    Lambda { function: FunctionRef, payload: Payload, timeout: Duration },
    /// The gateway itself.
    Mock(MockAnswer),
    /// Nothing: the integration is missing, or names no function with this stage's variables.
    Broken,
}

/// All APIs by id and by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Directory {
    apis: HashMap<String, Arc<LiveApi>>,
    /// Names that are host labels and belong to one API alone.
    names: HashMap<String, Arc<LiveApi>>,
}

impl Directory {
    /// Every API of the store.
    pub fn load(state: &impl Read) -> Result<Self, Error> {
        let mut directory = Self::default();
        let https = state.load_prefix::<HttpApi>(keys::HTTP_APIS, b"")?;
        let rests = state.load_prefix::<RestApi>(keys::REST_APIS, b"")?;
        for (_, api) in https {
            directory.apis.insert(api.id.clone(), Arc::new(http(state, api)?));
        }
        for (_, api) in rests {
            directory.apis.insert(api.id.clone(), Arc::new(rest(state, api)?));
        }
        directory.index_names();
        Ok(directory)
    }

    /// The same with the API `id` as the store has it now.
    pub fn with(&self, state: &impl Read, id: &str) -> Result<Self, Error> {
        let mut next = self.clone();
        let live = match state.load::<HttpApi>(keys::HTTP_APIS, id.as_bytes())? {
            Some(api) => Some(http(state, api)?),
            None => match state.load::<RestApi>(keys::REST_APIS, id.as_bytes())? {
                Some(api) => Some(rest(state, api)?),
                None => None,
            },
        };
        match live {
            Some(api) => next.apis.insert(id.into(), Arc::new(api)),
            None => next.apis.remove(id),
        };
        next.index_names();
        Ok(next)
    }

    fn index_names(&mut self) {
        let mut names: HashMap<String, Option<Arc<LiveApi>>> = HashMap::new();
        for api in self.apis.values() {
            let label = api.name.to_ascii_lowercase();
            if ids::is_free_label(&label) && !self.apis.contains_key(&label) {
                names.entry(label).and_modify(|owner| *owner = None).or_insert_with(|| Some(api.clone()));
            }
        }
        self.names = names.into_iter().filter_map(|(label, api)| Some((label, api?))).collect();
    }

    /// The API that is called `name` or has it as its id.
    pub fn find(&self, name: &str) -> Option<Arc<LiveApi>> {
        self.apis.get(name).or_else(|| self.names.get(name)).cloned()
    }
}

fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or_default())
}

fn http(state: &impl Read, api: HttpApi) -> Result<LiveApi, Error> {
    let mut stages = BTreeMap::new();
    for stage in api.stages.into_values() {
        let deployment = stage.deployment.unwrap_or_default();
        let key = keys::deployed(&api.id, &deployment);
        let deployed: http_api::Deployed = state.load(keys::DEPLOYED, &key)?.unwrap_or_default();
        let mut routes = Routes::new(Rules::Http);
        for (key, integration) in deployed.routes {
            let action = integration.map_or(Action::Broken, |integration| {
                let timeout = milliseconds(integration.timeout_ms);
                let function = lambda_uri::own_function(&integration.uri, &stage.variables, &api.account);
                let lambda = |function| Action::Lambda { function, payload: integration.payload, timeout };
                function.map_or(Action::Broken, lambda)
            });
            let endpoint = Endpoint { route: key.clone(), resource_id: String::new(), action };
            match key.split_once(' ') {
                Some((method, path)) => routes.add(method, path, endpoint),
                None => routes.set_default(endpoint),
            }
        }
        let live = LiveStage {
            name: stage.name.clone(),
            deployment,
            variables: stage.variables,
            binary_media_types: Vec::new(),
            tracing: false,
            routes,
        };
        stages.insert(stage.name, live);
    }
    let (account, region, closed) = (api.account, api.region, api.closed);
    Ok(LiveApi { id: api.id, name: api.name, account, region, rules: Rules::Http, cors: api.cors, closed, stages })
}

fn rest(state: &impl Read, api: RestApi) -> Result<LiveApi, Error> {
    let mut stages = BTreeMap::new();
    for stage in api.stages.into_values() {
        let key = keys::deployed(&api.id, &stage.deployment);
        let deployed: rest_api::Deployed = state.load(keys::DEPLOYED, &key)?.unwrap_or_default();
        let mut routes = Routes::new(Rules::Rest);
        for method in deployed.methods {
            let action = rest_action(&method.integration, &stage.variables, &api.account);
            let endpoint = Endpoint { route: method.path.clone(), resource_id: method.resource, action };
            routes.add(&method.method, &method.path, endpoint);
        }
        let live = LiveStage {
            name: stage.name.clone(),
            deployment: stage.deployment,
            variables: stage.variables,
            binary_media_types: deployed.binary_media_types,
            tracing: stage.tracing,
            routes,
        };
        stages.insert(stage.name, live);
    }
    let (account, region, closed) = (api.account, api.region, api.closed);
    Ok(LiveApi { id: api.id, name: api.name, account, region, rules: Rules::Rest, cors: None, closed, stages })
}

fn rest_action(
    integration: &rest_api::Integration,
    variables: &BTreeMap<String, String>,
    account: &AccountId,
) -> Action {
    match integration.kind {
        Kind::Mock => mock::answer(integration).map_or(Action::Broken, Action::Mock),
        Kind::AwsProxy => {
            let uri = integration.uri.as_deref().unwrap_or_default();
            let timeout = milliseconds(integration.timeout_ms);
            let lambda = |function| Action::Lambda { function, payload: Payload::V1, timeout };
            lambda_uri::own_function(uri, variables, account).map_or(Action::Broken, lambda)
        }
    }
}
