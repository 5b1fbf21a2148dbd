//! `fogbank up` and `fogbank serve`: the platform in the foreground.

use crate::cli::client::Client;
use crate::cli::deploy::{Application, print_outputs};
use crate::cli::watch::Watch;
use crate::cli::{Failure, TargetArgs, UpArgs};
use crate::platform::Platform;
use crate::root_key;
use crate::settings::{PlatformArgs, Settings};
use fogbank_deploy::Stack;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Starts the platform, deploys, and serves until interrupted.
///
/// # Errors
/// The platform could not start, or the first deployment failed and nothing is watched for.
pub async fn run(args: UpArgs) -> Result<u8, Failure> {
    let mut interruption = Interruption::listen()?;
    let application = Application::find(&args.source)?;
    let watch = args.watch.then(|| Watch::start(application.base())).transpose()?;
    let platform = Platform::start(Settings::from_args(&args.platform)?).await?;
    let target = TargetArgs { endpoint: platform.endpoint().to_owned(), region: "us-east-1".into() };
    let mut client = Client::new(&target)?;
    if let Some(key) = root_key::read(&args.platform.data_dir) {
        client = client.with_key(key);
    }
    let served = async {
        let deployed = application.deploy(&client, args.output.json).await;
        report(deployed, args.output.json, watch.is_some())?;
        eprintln!("serving on {} (Ctrl-C stops it)", platform.endpoint());
        let Some(mut watch) = watch else { return std::future::pending().await };
        while watch.changed().await {
            let deployed = application.deploy(&client, args.output.json).await;
            report(deployed, args.output.json, true)?;
        }
        Ok(())
    };
    let result = tokio::select! {
        result = served => result,
        () = interruption.came() => Ok(()),
    };
    platform.stop().await;
    result.map(|()| 0)
}

/// Starts the platform and serves until interrupted.
///
/// # Errors
/// The platform could not start.
pub async fn serve(args: PlatformArgs) -> Result<u8, Failure> {
    let mut interruption = Interruption::listen()?;
    let platform = Platform::start(Settings::from_args(&args)?).await?;
    println!("{}", platform.endpoint());
    interruption.came().await;
    platform.stop().await;
    Ok(0)
}

/// While files are watched, a failed deployment is not the end: the next save may mend it.
fn report(deployed: Result<Stack, Failure>, json: bool, go_on: bool) -> Result<(), Failure> {
    match deployed {
        Ok(stack) if !json => print_outputs(&stack),
        Ok(_) => {}
        Err(failure) if go_on => eprintln!("error: {}", failure.message),
        Err(failure) => return Err(failure),
    }
    Ok(())
}

/// The signals that ask the platform to stop. Listened for from the start, so that one that comes early is not the end at once.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    fn listen() -> Result<Self, Failure> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate })
    }

    async fn came(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
