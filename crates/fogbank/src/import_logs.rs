//! The log group in which imports of tables tell what they left out.

use fogbank_logs::{Error, GroupKey, Logs};
use fogbank_model::{AccountId, BoxFuture, Clock, Region, Timestamp};
use fogbank_table::{IMPORT_LOG_GROUP, ImportLog};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of lines that are put at once, about: half of what the logs take.
const AT_ONCE: usize = 1 << 19;

/// The logs, for tables.
pub struct ImportLogs {
    pub logs: Arc<Logs>,
    pub clock: Arc<dyn Clock>,
}

impl ImportLogs {
    async fn append(&self, group: &GroupKey, stream: &str, lines: Vec<String>) -> Result<(), Error> {
        match self.logs.create_group(group, BTreeMap::new()).await {
            Ok(()) | Err(Error::GroupExists) => {}
            Err(error) => return Err(error),
        }
        match self.logs.create_stream(group, stream).await {
            Ok(()) | Err(Error::StreamExists) => {}
            Err(error) => return Err(error),
        }
        let (now, mut bytes) = (self.clock.now(), 0);
        let is_beside = |_: &String, line: &String| {
            bytes = if bytes > AT_ONCE { 0 } else { bytes + line.len() };
            bytes <= AT_ONCE
        };
        for lines in lines.chunk_by(is_beside) {
            let events: Vec<(Timestamp, String)> = lines.iter().map(|line| (now, line.clone())).collect();
            self.logs.put(group, stream, events).await?;
        }
        Ok(())
    }
}

impl ImportLog for ImportLogs {
    fn append<'a>(
        &'a self,
        account: &'a AccountId,
        region: &'a Region,
        stream: &'a str,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), String>> {
        let group = GroupKey { account: account.clone(), region: region.clone(), name: IMPORT_LOG_GROUP.into() };
        Box::pin(async move { self.append(&group, stream, lines).await.map_err(|error| error.to_string()) })
    }
}
