//! Servers that the bench starts, and ends whatever happens.

use super::http::Connection;
use super::{Failure, memory};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it and everything that it started.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    data: Option<PathBuf>,
    /// From the start of the process to its first answer with status 200.
    pub ready_after: Duration,
}

impl Server {
    /// Starts `command`, which prints `http://HOST:PORT` on its first line, and waits until `GET path` is answered with 200.
    pub fn start(command: &mut Command, path: &str) -> Result<Self, Failure> {
        let begin = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let child = child.map_err(|error| format!("{command:?}: {error}"))?;
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: unknown, data: None, ready_after: Duration::ZERO };
        let mut line = String::new();
        let output = server.child.stdout.take().ok_or("a server has no output")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().strip_prefix("http://").and_then(|address| address.parse().ok());
        server.address = address.ok_or_else(|| format!("{command:?} printed {line:?} instead of its address"))?;
        server.wait(path)?;
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    /// Starts `command`, which listens on `port`, and waits until it accepts connections.
    pub fn start_on(port: u16, command: &mut Command) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("{command:?}: {error}"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server = Self { child, address, data: None, ready_after: Duration::ZERO };
        server.until(|| Ok(Connection::open(address).is_ok()))?;
        Ok(server)
    }

    /// Starts the platform on a data directory of its own, which goes away with it.
    pub fn fogbank(program: &Path, scratch: &Path) -> Result<Self, Failure> {
        let data = scratch.join(format!("data-{}", free_port()?));
        let log = std::fs::File::create(scratch.join("platform.log"))?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data).stderr(log);
        let mut server = Self::start(&mut command, "/_fogbank/health")?;
        server.data = Some(data);
        Ok(server)
    }

    /// Starts the bare hyper server.
    pub fn hyper(program: &Path) -> Result<Self, Failure> {
        Self::start(&mut Command::new(program), "/")
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait(&self, path: &str) -> Result<(), Failure> {
        let request = super::http::get(path, self.address);
        self.until(|| {
            let Ok(mut connection) = Connection::open(self.address) else { return Ok(false) };
            Ok(connection.call(&request)?.status == 200)
        })
    }

    fn until(&self, ready: impl Fn() -> Result<bool, Failure>) -> Result<(), Failure> {
        let begin = Instant::now();
        while !ready()? {
            if begin.elapsed() > PATIENCE {
                return Err(format!("{} did not become ready", self.address).into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let all = memory::tree(self.pid());
        // The platform's spawner clears away behind itself once it sees the platform go, so only this one is ended by force …
        let _ = self.child.kill();
        let _ = self.child.wait();
        let begin = Instant::now();
        let alive = || all.iter().skip(1).filter(|pid| memory::is_alive(**pid));
        while alive().next().is_some() && begin.elapsed() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(5));
        }
        // … and what is left of others after a while.
        for pid in alive() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        if let Some(data) = &self.data {
            let _ = std::fs::remove_dir_all(data);
        }
    }
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
