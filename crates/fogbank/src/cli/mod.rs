//! The command line. Every command but `serve`, `up` and `doctor` is a client of a running platform and uses its public API alone.

mod bill;
mod client;
mod delete;
mod deploy;
mod doctor;
mod env;
mod invoke;
mod logs;
mod ls;
mod output;
mod runtime;
mod up;
mod watch;

use crate::settings::PlatformArgs;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;

/// What a command ends with: a message for standard error, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// What to print.
    pub message: String,
    /// 1 for a failure, 2 for a mistake in the call.
    pub code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(message: impl ToString) -> Self {
        Self { message: message.to_string(), code: 1 }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

const EXAMPLES: &str = "Examples:
  fogbank up examples/shop            build, deploy and serve the application in a directory
  fogbank up . --watch                the same, and deploy again when a file is saved
  eval \"$(fogbank env)\"               point the AWS command line and SDKs here
  fogbank invoke Orders -p '{}'       call a function
  fogbank logs Orders --follow        follow its log

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 the function reported an error (invoke).";

/// A serverless platform in one binary, speaking the AWS wire protocols.
#[derive(Parser)]
#[command(name = "fogbank", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the platform, build and deploy the application in DIR, and serve it
    #[command(after_help = "Example:\n  fogbank up examples/shop --watch --parameter Stage=dev")]
    Up(Box<UpArgs>),
    /// Start the platform without deploying anything
    #[command(after_help = "Example:\n  fogbank serve --listen 127.0.0.1:0 --data-dir /var/lib/fogbank")]
    Serve(Box<PlatformArgs>),
    /// Build the application in DIR and deploy it to a running platform
    #[command(after_help = "Example:\n  fogbank deploy examples/shop --stack shop-test")]
    Deploy(DeployArgs),
    /// Delete a stack and everything in it
    #[command(after_help = "Example:\n  fogbank delete shop")]
    Delete(DeleteArgs),
    /// Call a function and print its answer
    #[command(
        after_help = "Example:\n  fogbank invoke shop-Orders -p '{\"id\": 1}'\n  fogbank invoke Orders -p @event.json --event"
    )]
    Invoke(InvokeArgs),
    /// Print a function's log
    #[command(after_help = "Example:\n  fogbank logs shop-Orders --follow")]
    Logs(LogsArgs),
    /// List stacks, their resources and their addresses
    Ls(LsArgs),
    /// Print the environment variables that point AWS clients here
    #[command(after_help = "Example:\n  eval \"$(fogbank env)\" && aws lambda list-functions")]
    Env(EnvArgs),
    /// Say what this host lacks and what that weakens
    Doctor(OutputArgs),
    /// Print what each function used and what it costs
    #[command(after_help = "Example:\n  fogbank bill --json")]
    Bill(BillArgs),
    /// Obtain language runtimes
    #[command(subcommand)]
    Runtime(RuntimeCommand),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  fogbank completion bash > /etc/bash_completion.d/fogbank")]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How to print.
#[derive(Args, Clone)]
pub struct OutputArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which platform to talk to, and as whom.
#[derive(Args, Clone)]
pub struct TargetArgs {
    /// The platform's address
    #[arg(long, env = "AWS_ENDPOINT_URL", default_value = "http://127.0.0.1:4566")]
    pub endpoint: String,
    /// The region
    #[arg(long, env = "AWS_DEFAULT_REGION", default_value = "us-east-1")]
    pub region: String,
}

/// What to deploy.
#[derive(Args, Clone)]
pub struct SourceArgs {
    /// The directory of the template, or the template itself
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The stack's name [default: the directory's name]
    #[arg(long)]
    pub stack: Option<String>,
    /// A parameter's value; may be given more than once
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    pub parameters: Vec<(String, String)>,
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| "expected NAME=VALUE".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Arguments of `up`.
#[derive(Args)]
pub struct UpArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Deploy again when a file is saved
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `deploy`.
#[derive(Args)]
pub struct DeployArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `delete`.
#[derive(Args)]
pub struct DeleteArgs {
    /// The stack's name
    stack: String,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `invoke`.
#[derive(Args)]
pub struct InvokeArgs {
    /// The function's name or ARN, or the logical id that only one stack has
    function: String,
    /// The event as JSON, or @FILE, or @- for standard input
    #[arg(short, long, default_value = "{}")]
    payload: String,
    /// A version or alias
    #[arg(long)]
    qualifier: Option<String>,
    /// Do not wait for the answer
    #[arg(long)]
    event: bool,
    /// Print the end of the call's log to standard error
    #[arg(long)]
    log: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `logs`.
#[derive(Args)]
pub struct LogsArgs {
    /// The function's name, the logical id that only one stack has, or a log group
    function: String,
    /// Keep printing new lines
    #[arg(short, long)]
    follow: bool,
    /// How far back to begin, in minutes
    #[arg(long, default_value_t = 10)]
    since: u32,
    /// Only lines that match this pattern of CloudWatch Logs
    #[arg(long)]
    filter: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `ls`.
#[derive(Args)]
pub struct LsArgs {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `env`.
#[derive(Args)]
pub struct EnvArgs {
    /// The account to act in: twelve digits
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// The platform's data directory, where the root key is if signatures are checked
    #[arg(long, env = "FOGBANK_DATA_DIR", default_value = ".fogbank")]
    data_dir: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `bill`.
#[derive(Args)]
pub struct BillArgs {
    /// How many hours back to count
    #[arg(long, default_value_t = 744)]
    hours: u32,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Subcommand)]
enum RuntimeCommand {
    /// Fetch the interpreter of a runtime, such as nodejs22.x or python3.13
    Install {
        /// The runtime's identifier
        runtime: String,
    },
}

/// Runs the command that `cli` holds.
///
/// # Errors
/// What to print to standard error, and the exit code.
pub async fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Up(args) => up::run(*args).await,
        Command::Serve(args) => up::serve(*args).await,
        Command::Deploy(args) => deploy::run(args).await,
        Command::Delete(args) => delete::run(args).await,
        Command::Invoke(args) => invoke::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Ls(args) => ls::run(args).await,
        Command::Env(args) => env::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Bill(args) => bill::run(args).await,
        Command::Runtime(RuntimeCommand::Install { runtime }) => runtime::install(&runtime).await,
        Command::Completion { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "fogbank", &mut std::io::stdout());
            Ok(0)
        }
    }
}
