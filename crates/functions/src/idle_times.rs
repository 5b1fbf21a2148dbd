//! The idle times of functions in the store, so that a restart does not forget when they are called. Written once a minute and at the
//! end; what a crash loses is one minute of a history.

use crate::instances::Instances;
use crate::keep_alive::History;
use crate::keys;
use crate::model::FunctionKey;
use crate::registry::Registry;
use crate::{Error, Snapshot};
use fogbank_store::{Read, Store, Tx};
use std::collections::HashMap;

/// Gives `instances` what was known before.
pub(crate) fn load(store: &Store, snapshot: &Snapshot, instances: &Instances) -> Result<(), Error> {
    for (key, history) in store.read(|read| read.load_prefix::<History>(keys::IDLE_TIMES, &[]))? {
        let Some((key, _)) = keys::split_function(&key) else { continue };
        if let Ok(function) = snapshot.function(&key) {
            instances.remember(function.id, history);
        }
    }
    Ok(())
}

/// Writes what has changed since the last time.
pub(crate) async fn save(store: &Store, registry: &Registry, instances: &Instances) -> Result<(), Error> {
    let mut changed: HashMap<_, _> = instances.changed_histories().into_iter().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let snapshot = registry.snapshot();
    let known = snapshot.functions().filter_map(|function| Some((function.key.clone(), changed.remove(&function.id)?)));
    let known: Vec<(FunctionKey, History)> = known.collect();
    let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
        for (key, history) in &known {
            let key = keys::function(key);
            // The function may have been deleted meanwhile.
            if tx.get(keys::FUNCTION, &key)?.is_some() {
                tx.save(keys::IDLE_TIMES, &key, history)?;
            }
        }
        Ok(())
    };
    store.transact(change).await
}
