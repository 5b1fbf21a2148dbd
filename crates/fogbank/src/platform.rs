//! A platform from start to stop: data directory, parts, listener.

use crate::cli::Failure;
use crate::compose::{Composition, compose};
use crate::settings::Settings;
use fogbank_functions::Functions;
use fogbank_logs::Logs;
use fogbank_wire::http::listen;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long requests under way may go on once the platform is asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A running platform.
pub struct Platform {
    endpoint: String,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
    functions: Arc<Functions>,
    logs: Arc<Logs>,
}

impl Platform {
    /// Opens everything and begins to serve. Ready when this returns.
    ///
    /// # Errors
    /// The data directory is in use or not usable, or the address is taken.
    pub async fn start(settings: Settings) -> Result<Self, Failure> {
        start_logging(&settings.args.log)?;
        let address = settings.args.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| {
            Failure::new(format!("cannot listen on {address}: {error}; choose another address with --listen"))
        })?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let directory = &settings.args.data_dir;
        let root = std::path::absolute(directory)
            .map_err(|error| Failure::new(format!("{}: {error}", directory.display())))?;
        let (stop, stopping) = watch::channel(false);
        let composition = compose(&settings, &root, stopping.clone()).await.map_err(|error| Failure::new(&*error))?;
        let Composition { front, functions, logs } = composition;
        let mut stopping = stopping;
        let listening = tokio::spawn(listen(listener, front.into_site(), None, async move {
            // The sender is dropped with the platform, which is a stop as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        }));
        Ok(Self { endpoint, stop, listening, functions, logs })
    }

    /// `http://HOST:PORT`
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets requests under way finish, stops every instance, and writes what is left to write.
    pub async fn stop(mut self) {
        // Nobody listens any more if the listener has ended by itself.
        let _ = self.stop.send(true);
        if tokio::time::timeout(GRACE, &mut self.listening).await.is_err() {
            self.listening.abort();
        }
        self.functions.shutdown().await;
        self.logs.shutdown().await;
    }
}

fn start_logging(filter: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| Failure { message: format!("--log {filter}: {error}"), code: 2 })?;
    // A line that cannot be written, to a log on a full disk, is lost; saying so on the same stream would panic.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let subscriber = lines.log_internal_errors(false).finish();
    // A second platform in one process, as tests may start, keeps the first one's logging.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}
