//! What a table or an index is to be able to take at once: `WarmThroughput` of `CreateTable` and `UpdateTable`. It only ever grows, and nothing of
//! it is enforced.

use crate::Error;
use crate::billing::Whose;
use crate::schema::Throughput;

/// What a table without provisioned capacity takes at once.
const INITIAL: Throughput = Throughput { read: 12_000, write: 4_000 };
const ABOUT_INITIAL: &str = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial";

/// What a table is to be able to take at once; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Warm {
    /// Reads.
    pub read: Option<i64>,
    /// Writes.
    pub write: Option<i64>,
}

impl Warm {
    /// Whether it says anything.
    pub(crate) fn is_given(&self) -> bool {
        self.read.is_some() || self.write.is_some()
    }

    fn or(self, other: Throughput) -> Throughput {
        Throughput { read: self.read.unwrap_or(other.read), write: self.write.unwrap_or(other.write) }
    }
}

/// What one with these units takes at once, where `kept` was reached or asked for.
pub(crate) fn warm(throughput: Throughput, kept: Option<Throughput>) -> Throughput {
    let own = if throughput == Throughput::default() { INITIAL } else { throughput };
    let kept = kept.unwrap_or(own);
    Throughput { read: own.read.max(kept.read), write: own.write.max(kept.write) }
}

/// What a new one with these units takes at once, if it is asked for something.
pub(crate) fn begin(
    throughput: Throughput,
    asked: Option<Warm>,
    whose: Whose<'_>,
) -> Result<Option<Throughput>, Error> {
    let own = warm(throughput, None);
    let Some(asked) = asked.filter(Warm::is_given) else { return Ok(None) };
    let wanted = asked.or(own);
    let Some(kind) = lower(wanted, own) else { return Ok(Some(wanted)) };
    let than = match throughput == Throughput::default() {
        true => format!("initial throughput for OnDemand. See: {ABOUT_INITIAL}"),
        false => format!("{kind}CapacityUnits of ProvisionedThroughput"),
    };
    Err(Error::parameter(format!("Requested {kind}UnitsPerSecond for WarmThroughput for {whose} is lower than {than}")))
}

/// What one that takes `now` at once is to take, if it is asked for something.
pub(crate) fn warmer(now: Throughput, asked: Option<Warm>, whose: Whose<'_>) -> Result<Option<Throughput>, Error> {
    let Some(asked) = asked else { return Ok(None) };
    let wanted = asked.or(now);
    match lower(wanted, now) {
        Some(kind) => Err(Error::parameter(format!(
            "Requested {kind}UnitsPerSecond for WarmThroughput for {whose} is lower than current WarmThroughput, decreasing \
             WarmThroughput is not supported"
        ))),
        None => Ok(Some(wanted)),
    }
}

/// What of `wanted` is lower than `now`.
fn lower(wanted: Throughput, now: Throughput) -> Option<&'static str> {
    let units = [("Read", wanted.read, now.read), ("Write", wanted.write, now.write)];
    units.into_iter().find(|(_, wanted, now)| wanted < now).map(|(kind, ..)| kind)
}
