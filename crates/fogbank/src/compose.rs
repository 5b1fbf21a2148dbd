//! The composition root: every part is named here once, and handed what it is built on.

use crate::bucket_access::{ReadBuckets, TableBuckets};
use crate::delivering::{Delivering, Targets};
use crate::dispatch::Runtimes;
use crate::endpoint::Endpoint;
use crate::front::Front;
use crate::import_logs::ImportLogs;
use crate::kinesis_source::KinesisStreams;
use crate::platform_api::{self, PlatformApi};
use crate::queue_source::QueuesOf;
use crate::root_key;
use crate::settings::{AuthMode, Settings};
use crate::stream_source::StreamsOf;
use crate::table_source::TableStreams;
use crate::urls::UrlsOf;
use fogbank_bus::Buses;
use fogbank_delivery::{Outbound, Signer};
use fogbank_deploy::Deploy;
use fogbank_functions::machine::ThisMachine;
use fogbank_functions::{Config, Functions, LogTail, Parts};
use fogbank_gateway::Gateway;
use fogbank_identity::Identity;
use fogbank_logs::Logs;
use fogbank_model::{AccountId, Arn, Clock, SteadyClock, SystemClock};
use fogbank_object::Objects;
use fogbank_object::s3::Door as ObjectDoor;
use fogbank_parameter::Parameters;
use fogbank_queue::Queues;
use fogbank_runtimes::{Config as RuntimesConfig, Processes, SessionCredentials, SessionKeys};
use fogbank_sandbox::Spawner;
use fogbank_schedule::Schedules;
use fogbank_store::Store;
use fogbank_stream::Streams;
use fogbank_table::Tables;
use fogbank_topic::Topics;
use fogbank_wasm::Components;
use fogbank_wire::{Auth, Router};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The running parts that something outside of them must reach.
pub struct Composition {
    /// What the listener serves.
    pub front: Front,
    /// Stopped last, after the listener.
    pub functions: Arc<Functions>,
    /// Written out at the end.
    pub logs: Arc<Logs>,
}

/// Issues the keys of function instances.
struct Sessions(Arc<Identity>);

impl SessionCredentials for Sessions {
    fn session(&self, account: &AccountId, role: &Arn, name: &str) -> SessionKeys {
        match self.0.session(account, role, name) {
            Ok(issued) => {
                SessionKeys { access_key_id: issued.access_key_id, secret: issued.secret, token: issued.token }
            }
            Err(error) => {
                // The door says who the function is all the same; only what it signs for others is worth nothing.
                tracing::error!(%error, function = name, "no credentials could be issued");
                let nothing = String::new;
                SessionKeys { access_key_id: nothing(), secret: nothing(), token: nothing() }
            }
        }
    }
}

fn functions_config(settings: &Settings) -> Config {
    Config {
        memory_mb: settings.memory_mb(),
        idle: Duration::from_secs(settings.args.idle_seconds),
        keep_alive: settings.args.keep_alive.into(),
        retry_after: Duration::from_secs(settings.args.retry_seconds),
        billing_step_ms: settings.file.bill.rounding_ms,
        ..Config::default()
    }
}

/// Builds the platform over the data directory `root`.
///
/// # Errors
/// What a part says when it cannot be opened.
pub async fn compose(
    settings: &Settings,
    root: &Path,
    stopping: watch::Receiver<bool>,
) -> Result<Composition, Box<dyn std::error::Error + Send + Sync>> {
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::default());
    // Signatures and keys carry the time of clients, who know the machine's.
    let machine: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(root, clock.clone())?;
    let identity = Arc::new(Identity::open(store.clone(), machine.clone()).await?);
    if settings.auth == AuthMode::On {
        root_key::publish(&identity, root).await?;
    } else {
        root_key::withdraw(root);
    }
    let logs = Logs::open(&store, clock.clone());
    let signer = Signer::open(&store, clock.clone()).await?;
    let queues = Queues::open(&store, clock.clone(), signer.clone()).await?;
    let streams = Streams::open(&store, clock.clone()).await?;
    let deliver = Arc::new(Delivering::default());
    let buckets = Objects::open(&store, clock.clone(), deliver.clone())?;
    let tables = Tables::open(&store, clock.clone(), deliver.clone());
    let endpoint = Arc::new(Endpoint::new(stopping));
    let tail = LogTail::over(logs.clone());
    let mut runtimes = RuntimesConfig::from_environment();
    runtimes.strict = settings.args.strict_runtimes;
    let spawner = Spawner::start(root.join("sandbox"))?;
    let sessions = Arc::new(Sessions(identity.clone()));
    let wasm = fogbank_wasm::Config::below(root);
    let components = Components::open(wasm, tail.clone(), sessions.clone(), endpoint.clone(), clock.clone())?;
    let processes = Processes::new(runtimes.clone(), spawner, tail.clone(), sessions, endpoint.clone(), clock.clone());
    let read_buckets = Arc::new(ReadBuckets(buckets.clone()));
    let functions = Functions::open(Parts {
        store: store.clone(),
        clock: clock.clone(),
        runtime: Arc::new(Runtimes { processes, components }),
        log: tail,
        memory: Arc::new(ThisMachine),
        queues: Arc::new(QueuesOf(queues.clone())),
        streams: Arc::new(StreamsOf { kinesis: KinesisStreams(streams.clone()), tables: TableStreams(tables.clone()) }),
        objects: read_buckets.clone(),
        signer: signer.clone(),
        deliver: deliver.clone(),
        config: functions_config(settings),
    })?;
    let outbound = Arc::new(Outbound::new(signer.clone()));
    let topics = Topics::open(&store, clock.clone(), deliver.clone(), outbound.clone());
    let buses = Buses::open(&store, clock.clone(), deliver.clone(), outbound);
    deliver.connect(Targets {
        queues: queues.clone(),
        functions: functions.clone(),
        buses: buses.clone(),
        topics: topics.clone(),
        logs: logs.clone(),
        streams: streams.clone(),
        objects: buckets.clone(),
    });
    topics.start();
    let schedules = Schedules::open(&store, clock.clone(), deliver);
    let auth = match settings.auth {
        AuthMode::On => Auth::On(identity.clone()),
        AuthMode::Off => Auth::Off(identity.clone()),
    };
    tables.start(
        Arc::new(TableBuckets(buckets.clone())),
        Arc::new(ImportLogs { logs: logs.clone(), clock: clock.clone() }),
    );
    let objects = ObjectDoor::new(buckets, auth.clone());
    let urls = Arc::new(UrlsOf(functions.clone()));
    let gateway = Gateway::open(store.clone(), clock.clone(), auth.clone(), functions.clone(), urls)?;
    let deploy = Arc::new(Deploy::new(store.clone(), endpoint.clone(), read_buckets, clock.clone()));
    // Before the first upload: what nobody refers to is left over from deployments that never happened, or from deleted functions.
    let (registered, deployed) = (functions.snapshot(), deploy.packages()?);
    store.blobs().keep_only(|digest| registered.needs(digest) || deployed(digest))?;
    let prices = settings.file.bill.clone();
    let parameters = Parameters::open(&store, clock.clone());
    let own = PlatformApi { store, deploy: deploy.clone(), functions: functions.clone(), runtimes, prices, clock };

    let mut services = vec![
        platform_api::service(&Arc::new(own)),
        fogbank_functions::lambda::service(functions.clone()),
        fogbank_functions::images::service(),
        fogbank_logs::cloudwatch::service(logs.clone()),
        fogbank_parameter::ssm::service(parameters),
        fogbank_queue::sqs::service(queues),
        fogbank_stream::kinesis::service(streams),
        objects.service(),
        fogbank_schedule::scheduler::service(schedules),
        fogbank_bus::events::service(&buses),
        fogbank_topic::sns::service(topics.clone()),
        fogbank_table::dynamodb::service(tables.clone()),
        fogbank_table::streams::service(tables),
        fogbank_deploy::cloudformation::service(&deploy),
    ];
    services.extend(gateway.services());
    services.extend(fogbank_identity::services(identity.clone()));
    let router = Arc::new(Router::new(services, auth, machine));
    endpoint.connect(router.clone(), objects.clone());
    Ok(Composition {
        front: Front {
            router,
            gateway,
            objects,
            functions: functions.clone(),
            topics,
            signer,
            signed: settings.auth == AuthMode::On,
        },
        functions,
        logs,
    })
}
