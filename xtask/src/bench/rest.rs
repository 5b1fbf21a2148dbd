//! Waits until the platform has nothing left to do in the background: spare processes made, instances before cleared away.

use super::{Server, memory};
use std::time::{Duration, Instant};

/// So long the platform's processes must have been the same ones: a spare interpreter needs less to boot.
const STILL: Duration = Duration::from_millis(100);
/// How often that is looked at: looking costs processor time, too.
const EVERY: Duration = Duration::from_millis(20);
/// A platform that is not still by then is taken as it is.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits until the processes of the server have not changed for a while.
pub fn until_still(server: &Server) {
    let (begin, mut since, mut known) = (Instant::now(), Instant::now(), memory::tree(server.pid()));
    while since.elapsed() < STILL && begin.elapsed() < PATIENCE {
        std::thread::sleep(EVERY);
        let now = memory::tree(server.pid());
        if now != known {
            (known, since) = (now, Instant::now());
        }
    }
}
