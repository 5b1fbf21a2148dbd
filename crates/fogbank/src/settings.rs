//! Settings of the platform: from the command line, the environment, and a file in the data directory.

use crate::cli::Failure;
use clap::{Args, ValueEnum};
use fogbank_functions::KeepAlive;
use fogbank_functions::bill::Prices;
use fogbank_functions::machine::{Memory, ThisMachine};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Arguments of the commands that start a platform.
#[derive(Args, Clone)]
pub struct PlatformArgs {
    /// The address for all APIs; port 0 picks a free one
    #[arg(long, env = "FOGBANK_LISTEN", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// Where everything is kept
    #[arg(long, env = "FOGBANK_DATA_DIR", default_value = ".fogbank")]
    pub data_dir: PathBuf,
    /// Whether signatures are checked [default: off while bound to loopback, else on]
    #[arg(long, env = "FOGBANK_AUTH")]
    pub auth: Option<AuthMode>,
    /// Refuse a function whose very runtime version is missing, instead of serving it with the nearest
    #[arg(long)]
    pub strict_runtimes: bool,
    /// Memory for all function instances together, in MiB [default: three quarters of what the machine has]
    #[arg(long, env = "FOGBANK_MEMORY_MB")]
    pub memory_mb: Option<u64>,
    /// How long idle instances are kept: by the history of their function, or all for the same time
    #[arg(long, env = "FOGBANK_KEEP_ALIVE", default_value = "histogram")]
    pub keep_alive: KeepAliveMode,
    /// Seconds after which an idle instance is stopped, where no history says otherwise
    #[arg(long, env = "FOGBANK_IDLE_SECONDS", default_value_t = 600)]
    pub idle_seconds: u64,
    /// Seconds before a failed asynchronous call is tried again; before the second retry it is twice that
    #[arg(long, env = "FOGBANK_RETRY_SECONDS", default_value_t = 60)]
    pub retry_seconds: u64,
    /// What to log: error, warn, info, debug or trace
    #[arg(long, env = "FOGBANK_LOG", default_value = "warn")]
    pub log: String,
}

/// Whether signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// Every request must be signed with a key that was issued here.
    On,
    /// Any credentials are taken.
    Off,
}

/// How long idle instances are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeepAliveMode {
    /// Each for `--idle-seconds`.
    Fixed,
    /// As long as the function's idle times make worth it; an expected call finds one started ahead.
    Histogram,
}

impl From<KeepAliveMode> for KeepAlive {
    fn from(mode: KeepAliveMode) -> Self {
        match mode {
            KeepAliveMode::Fixed => Self::Fixed,
            KeepAliveMode::Histogram => Self::Histogram,
        }
    }
}

/// What the platform is started with.
pub struct Settings {
    /// The command line's part.
    pub args: PlatformArgs,
    /// Whether signatures are checked.
    pub auth: AuthMode,
    /// The file's part.
    pub file: File,
}

/// `fogbank.json` in the data directory. Every entry may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// What usage costs.
    pub bill: BillSettings,
}

/// Prices in currency units; the defaults are the platform's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BillSettings {
    /// The currency's name.
    pub currency: String,
    /// For one GB-second.
    pub per_gb_second: f64,
    /// For a million requests.
    pub per_million_requests: f64,
    /// For one GB-second of a call on a provisioned instance.
    pub per_gb_second_on_provisioned: f64,
    /// For one GB-second of a provisioned instance that is there.
    pub per_provisioned_gb_second: f64,
    /// GB-seconds that cost nothing.
    pub free_gb_seconds: u64,
    /// Requests that cost nothing.
    pub free_requests: u64,
    /// Durations are rounded up to this many milliseconds: 1 or 100.
    pub rounding_ms: u64,
}

impl Default for BillSettings {
    fn default() -> Self {
        Self {
            currency: "USD".into(),
            per_gb_second: 0.000_016_67,
            per_gb_second_on_provisioned: 0.000_009_722,
            per_provisioned_gb_second: 0.000_004_167,
            per_million_requests: 0.20,
            free_gb_seconds: 0,
            free_requests: 0,
            rounding_ms: 1,
        }
    }
}

impl BillSettings {
    /// The prices in billionths of the currency unit.
    pub fn prices(&self) -> Prices {
        // The settings are checked when they are read: not negative, and far below the limits of the types.
        let nano = |amount: f64| (amount * 1e9).round() as u64;
        Prices {
            gb_second_nano: nano(self.per_gb_second),
            on_provisioned_gb_second_nano: nano(self.per_gb_second_on_provisioned),
            provisioned_gb_second_nano: nano(self.per_provisioned_gb_second),
            million_requests_nano: nano(self.per_million_requests),
            free_gb_seconds: self.free_gb_seconds,
            free_requests: self.free_requests,
        }
    }

    fn check(&self) -> Result<(), String> {
        let price = |amount: f64| (0.0..=1e6).contains(&amount);
        let all = [
            self.per_gb_second,
            self.per_gb_second_on_provisioned,
            self.per_provisioned_gb_second,
            self.per_million_requests,
        ];
        if !all.into_iter().all(price) {
            return Err("prices must lie between 0 and 1000000".into());
        }
        if !(1..=1000).contains(&self.rounding_ms) {
            return Err("rounding_ms must lie between 1 and 1000".into());
        }
        Ok(())
    }
}

impl Settings {
    /// Puts the parts together.
    ///
    /// # Errors
    /// The file is not as it should be, or signatures would go unchecked on an address that others can reach.
    pub fn from_args(args: &PlatformArgs) -> Result<Self, Failure> {
        let loopback = args.listen.ip().is_loopback();
        let auth = match args.auth {
            Some(AuthMode::Off) if !loopback => {
                let text =
                    format!("--auth off would let anybody use {}; bind to 127.0.0.1, or use --auth on", args.listen);
                return Err(Failure { message: text, code: 2 });
            }
            Some(auth) => auth,
            None if loopback => AuthMode::Off,
            None => AuthMode::On,
        };
        Ok(Self { args: args.clone(), auth, file: read_file(args)? })
    }

    /// Memory for all instances, in MiB.
    pub fn memory_mb(&self) -> u64 {
        self.args.memory_mb.unwrap_or_else(|| machine_memory_mb() / 4 * 3)
    }
}

fn read_file(args: &PlatformArgs) -> Result<File, Failure> {
    let path = args.data_dir.join("fogbank.json");
    let wrong = |why: String| Failure::new(format!("{}: {why}", path.display()));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(wrong(error.to_string())),
    };
    let file: File = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    file.bill.check().map_err(wrong)?;
    Ok(file)
}

fn machine_memory_mb() -> u64 {
    ThisMachine.measure().map_or(4096, |machine| machine.total_mb)
}

/// What can be made again and is worth keeping between runs.
pub fn cache_directory() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("fogbank")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_prices_are_exact_in_nano_units() {
        let prices = BillSettings::default().prices();
        assert_eq!((prices.gb_second_nano, prices.million_requests_nano), (16_670, 200_000_000));
    }

    #[test]
    fn prices_that_make_no_sense_are_refused() {
        assert!(BillSettings { per_gb_second: -1.0, ..BillSettings::default() }.check().is_err());
        assert!(BillSettings { rounding_ms: 0, ..BillSettings::default() }.check().is_err());
        assert!(serde_json::from_str::<File>(r#"{"bill": {"curency": "EUR"}}"#).is_err());
    }
}
