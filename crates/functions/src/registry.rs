//! What is registered, twice: durably in the store, and as one immutable snapshot in memory, which is all that calls ever read.
//!
//! Changes are made one at a time: copy the function, change the copy, write the difference, show the copy to calls. A change that
//! has begun to be written is finished even if its client goes away, so that the two never part.

use crate::code::Packages;
use crate::instances::Instances;
use crate::keys::{self, Part};
use crate::model::{Function, FunctionKey, LayerKey, LayerVersion, Scope, Settings, Version};
use crate::pool::{DeploymentId, FunctionId, ScopeId};
use crate::{Error, provisioned};
use fogbank_model::{Clock, Timestamp};
use fogbank_store::{Read, Store, Table, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Everything that is registered, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    functions: BTreeMap<FunctionKey, Arc<Function>>,
    layers: BTreeMap<LayerKey, Arc<LayerVersion>>,
    urls: HashMap<String, (FunctionKey, String)>,
    claimed: HashMap<Scope, u32>,
}

impl Snapshot {
    /// The function `key`.
    pub fn function(&self, key: &FunctionKey) -> Result<&Arc<Function>, Error> {
        self.functions.get(key).ok_or_else(|| Error::NotFound(format!("Function not found: {}", key.arn())))
    }

    /// All functions.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values()
    }

    /// The functions of a scope, by name.
    pub fn functions_of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Arc<Function>> {
        self.functions.values().filter(move |function| function.key.scope == *scope)
    }

    /// The layer version `key`.
    pub fn layer(&self, key: &LayerKey) -> Option<&Arc<LayerVersion>> {
        self.layers.get(key)
    }

    /// The layer versions of a scope, by name and number.
    pub fn layers_of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (&'a LayerKey, &'a Arc<LayerVersion>)> {
        self.layers.iter().filter(move |(key, _)| key.scope == *scope)
    }

    /// The function and the qualifier that the function URL `id` belongs to.
    pub fn url(&self, id: &str) -> Option<(&Arc<Function>, &str)> {
        let (key, qualifier) = self.urls.get(id)?;
        Some((self.functions.get(key)?, qualifier))
    }

    /// What functions of a scope keep of its concurrency for themselves: reserved or provisioned.
    pub fn claimed(&self, scope: &Scope) -> u32 {
        self.claimed.get(scope).copied().unwrap_or(0)
    }

    /// Whether a function or a layer refers to the package, a blob of the store.
    pub fn needs(&self, sha256: &str) -> bool {
        self.functions.values().any(|function| function.packages().any(|code| code.sha256 == sha256))
            || self.layers.values().any(|layer| layer.code.sha256 == sha256)
    }

    fn replace(&mut self, old: Option<&Function>, new: Option<Arc<Function>>) {
        if let Some(old) = old {
            old.urls.values().for_each(|url| drop(self.urls.remove(&url.id)));
            let sum = self.claimed.entry(old.key.scope.clone()).or_default();
            *sum = sum.saturating_sub(old.claim());
            self.functions.remove(&old.key);
        }
        if let Some(new) = new {
            for (qualifier, url) in &new.urls {
                self.urls.insert(url.id.clone(), (new.key.clone(), qualifier.clone()));
            }
            let sum = self.claimed.entry(new.key.scope.clone()).or_default();
            *sum = sum.saturating_add(new.claim());
            self.functions.insert(new.key.clone(), new);
        }
    }
}

/// A function's own record; its parts have theirs.
#[derive(Serialize, Deserialize)]
struct Head {
    settings: Settings,
    latest: Version,
}

/// The registry. Cheap to read, one writer at a time.
pub(crate) struct Registry {
    store: Store,
    clock: Arc<dyn Clock>,
    current: RwLock<Arc<Snapshot>>,
    turn: Arc<Mutex<()>>,
    ids: AtomicU64,
    scopes: std::sync::Mutex<HashMap<Scope, ScopeId>>,
    served_by: OnceLock<(Arc<Instances>, Arc<Packages>)>,
}

/// The right to make the next change, and what it is based on.
pub(crate) struct Turn {
    pub snapshot: Arc<Snapshot>,
    pub now: Timestamp,
    pub clock: Arc<dyn Clock>,
    guard: OwnedMutexGuard<()>,
}

impl Registry {
    /// Reads everything from the store.
    pub fn load(store: &Store, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let registry = Self {
            store: store.clone(),
            clock,
            current: RwLock::default(),
            turn: Arc::default(),
            ids: AtomicU64::new(1),
            scopes: std::sync::Mutex::default(),
            served_by: OnceLock::new(),
        };
        let snapshot = store.read(|read| registry.read_all(read))?;
        registry.show(snapshot);
        Ok(registry)
    }

    /// Who is told about deployments that come and go, and code that is no longer needed. Within a Tokio runtime.
    pub fn serve_with(self: &Arc<Self>, instances: Arc<Instances>, packages: Arc<Packages>) {
        drop(self.served_by.set((instances, packages)));
        self.snapshot().functions.values().for_each(|function| self.serve(function, None));
    }

    fn read_all(&self, read: &fogbank_store::Snapshot) -> Result<Snapshot, Error> {
        let mut functions: BTreeMap<FunctionKey, Function> = BTreeMap::new();
        for (key, head) in read.load_prefix::<Head>(keys::FUNCTION, &[])? {
            let Some((key, _)) = keys::split_function(&key) else { continue };
            functions.insert(key.clone(), self.assemble(key, head));
        }
        read_parts(read, keys::VERSION, &mut functions, |function| &mut function.versions)?;
        read_parts(read, keys::ALIAS, &mut functions, |function| &mut function.aliases)?;
        read_parts(read, keys::POLICY, &mut functions, |function| &mut function.policies)?;
        read_parts(read, keys::URL, &mut functions, |function| &mut function.urls)?;
        read_parts(read, keys::EVENT_INVOKE, &mut functions, |function| &mut function.event_invokes)?;
        read_parts(read, keys::PROVISIONED, &mut functions, |function| &mut function.provisioned)?;
        let mut snapshot = Snapshot::default();
        for mut function in functions.into_values() {
            self.number(&mut function);
            snapshot.replace(None, Some(Arc::new(function)));
        }
        for (key, layer) in read.load_prefix::<LayerVersion>(keys::LAYER, &[])? {
            let Some((scope, _, _)) = keys::split_named(&key) else { continue };
            let key = LayerKey { scope, name: layer.name.clone(), version: layer.version };
            snapshot.layers.insert(key, Arc::new(layer));
        }
        Ok(snapshot)
    }

    fn assemble(&self, key: FunctionKey, head: Head) -> Function {
        Function {
            scope_id: self.scope_id(&key.scope),
            key,
            id: FunctionId(self.next_id()),
            settings: head.settings,
            latest: Arc::new(head.latest),
            versions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            policies: BTreeMap::new(),
            urls: BTreeMap::new(),
            event_invokes: BTreeMap::new(),
            provisioned: BTreeMap::new(),
        }
    }

    /// A function that is not registered yet.
    pub fn draft(&self, key: FunctionKey, latest: Version) -> Function {
        self.assemble(key, Head { settings: Settings::default(), latest })
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives every new or changed version an id for its instances.
    fn number(&self, function: &mut Function) {
        let versions = std::iter::once(&mut function.latest).chain(function.versions.values_mut());
        for version in versions.filter(|version| version.deployment == DeploymentId::default()) {
            Arc::make_mut(version).deployment = DeploymentId(self.next_id());
        }
    }

    /// What is registered now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What stands for an account and region in the pool.
    fn scope_id(&self, scope: &Scope) -> ScopeId {
        let mut scopes = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = scopes.get(scope) {
            return *id;
        }
        let id = ScopeId(scopes.len() as u64);
        scopes.insert(scope.clone(), id);
        id
    }

    fn show(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Waits until no other change is under way.
    pub async fn turn(&self) -> Turn {
        let guard = self.turn.clone().lock_owned().await;
        Turn { snapshot: self.snapshot(), now: self.clock.now(), clock: self.clock.clone(), guard }
    }

    /// Changes a function with `edit`, which sees a copy of it.
    pub async fn edit<T>(
        self: &Arc<Self>,
        key: &FunctionKey,
        edit: impl FnOnce(&mut Function, &Turn) -> Result<T, Error>,
    ) -> Result<(T, Arc<Function>), Error> {
        let turn = self.turn().await;
        let old = turn.snapshot.function(key)?.clone();
        let mut new = Function::clone(&old);
        let answer = edit(&mut new, &turn)?;
        let new = self.commit(turn, Some(old), Some(new)).await?;
        Ok((answer, new.ok_or_else(|| Error::Disk("the change was lost".into()))?))
    }

    /// Writes the difference between `old` and `new`, then shows `new` to calls.
    pub async fn commit(
        self: &Arc<Self>,
        turn: Turn,
        old: Option<Arc<Function>>,
        new: Option<Function>,
    ) -> Result<Option<Arc<Function>>, Error> {
        let registry = self.clone();
        let finish = async move {
            let new = new.map(|mut function| {
                registry.number(&mut function);
                Arc::new(function)
            });
            let (before, after) = (old.clone(), new.clone());
            let change = move |tx: &mut Tx<'_>| save(tx, before.as_deref(), after.as_deref());
            registry.store.transact(change).await?;
            let mut snapshot = Snapshot::clone(&turn.snapshot);
            snapshot.replace(old.as_deref(), new.clone());
            registry.show(snapshot);
            drop(turn.guard);
            if let Some(old) = &old {
                registry.retire(old, new.as_deref());
            }
            if let Some(new) = &new {
                registry.serve(new, old.as_deref());
            }
            Ok(new)
        };
        tokio::spawn(finish).await?
    }

    /// Begins what the new state of a function needs.
    fn serve(self: &Arc<Self>, function: &Arc<Function>, before: Option<&Function>) {
        if let Some((instances, _)) = self.served_by.get() {
            provisioned::provide(instances, function, before);
            self.keep_snapshots(instances, function);
        }
    }

    /// Ends what only the old state of a function needed.
    fn retire(&self, old: &Function, new: Option<&Function>) {
        let Some((instances, _)) = self.served_by.get() else { return };
        let alive =
            |id: DeploymentId| new.is_some_and(|new| new.all_versions().any(|version| version.deployment == id));
        for version in old.all_versions().filter(|version| !alive(version.deployment)) {
            instances.retire(version.deployment);
        }
        if new.is_none() {
            instances.forget(old.id);
        }
        self.sweep(old.packages().map(|code| code.sha256.clone()).collect());
    }

    /// Removes the unpacked directories of those packages that nothing needs any more.
    fn sweep(&self, candidates: Vec<String>) {
        let Some((_, packages)) = self.served_by.get() else { return };
        let (packages, snapshot) = (packages.clone(), self.snapshot());
        tokio::task::spawn_blocking(move || packages.sweep(&candidates, |sha256| snapshot.needs(sha256)));
    }

    /// Writes a new layer version under the next number, or a changed or deleted one under its own.
    pub async fn commit_layer(
        self: &Arc<Self>,
        turn: Turn,
        key: LayerKey,
        layer: Option<LayerVersion>,
    ) -> Result<(), Error> {
        let registry = self.clone();
        let finish = async move {
            let layer = layer.map(Arc::new);
            let (at, record) = (key.clone(), layer.clone());
            let change = move |tx: &mut Tx<'_>| -> Result<(), Error> {
                let name = keys::layer_name(&at.scope, &at.name);
                let last = tx.load::<u64>(keys::LAYER_NUMBER, &name)?.unwrap_or(0);
                tx.save(keys::LAYER_NUMBER, &name, &last.max(at.version))?;
                match &record {
                    Some(record) => tx.save(keys::LAYER, &keys::layer(&at), &**record)?,
                    None => tx.delete(keys::LAYER, &keys::layer(&at)),
                }
                Ok(())
            };
            registry.store.transact(change).await?;
            let mut snapshot = Snapshot::clone(&turn.snapshot);
            let before = snapshot.layers.get(&key).map(|layer| layer.code.sha256.clone());
            match layer {
                Some(layer) => drop(snapshot.layers.insert(key, layer)),
                None => drop(snapshot.layers.remove(&key)),
            }
            registry.show(snapshot);
            drop(turn.guard);
            registry.sweep(before.into_iter().collect());
            Ok(())
        };
        tokio::spawn(finish).await?
    }

    /// The number that a layer's version was given last; deleted ones count.
    pub fn last_layer_number(&self, scope: &Scope, name: &str) -> Result<u64, Error> {
        let key = keys::layer_name(scope, name);
        let last = self.store.read(|read| read.load::<u64>(keys::LAYER_NUMBER, &key))?;
        Ok(last.unwrap_or(0))
    }
}

fn read_parts<P: Part + Ord, T: DeserializeOwned>(
    read: &fogbank_store::Snapshot,
    table: Table,
    functions: &mut BTreeMap<FunctionKey, Function>,
    parts: impl Fn(&mut Function) -> &mut BTreeMap<P, Arc<T>>,
) -> Result<(), Error> {
    for (key, part) in read.load_prefix::<T>(table, &[])? {
        let Some((function, rest)) = keys::split_function(&key) else { continue };
        if let (Some(function), Some(name)) = (functions.get_mut(&function), P::decode(rest)) {
            parts(function).insert(name, Arc::new(part));
        }
    }
    Ok(())
}

fn save(tx: &mut Tx<'_>, old: Option<&Function>, new: Option<&Function>) -> Result<(), Error> {
    let Some(key) = new.or(old).map(|function| &function.key) else { return Ok(()) };
    match new {
        Some(new) => {
            let head = Head { settings: new.settings.clone(), latest: Version::clone(&new.latest) };
            tx.save(keys::FUNCTION, &keys::function(key), &head)?;
        }
        None => {
            tx.delete(keys::FUNCTION, &keys::function(key));
            tx.delete(keys::IDLE_TIMES, &keys::function(key));
        }
    }
    save_parts(tx, keys::VERSION, key, old.map(|f| &f.versions), new.map(|f| &f.versions))?;
    save_parts(tx, keys::ALIAS, key, old.map(|f| &f.aliases), new.map(|f| &f.aliases))?;
    save_parts(tx, keys::POLICY, key, old.map(|f| &f.policies), new.map(|f| &f.policies))?;
    save_parts(tx, keys::URL, key, old.map(|f| &f.urls), new.map(|f| &f.urls))?;
    save_parts(tx, keys::EVENT_INVOKE, key, old.map(|f| &f.event_invokes), new.map(|f| &f.event_invokes))?;
    save_parts(tx, keys::PROVISIONED, key, old.map(|f| &f.provisioned), new.map(|f| &f.provisioned))
}

/// Writes the parts that are not the very same ones, and deletes those that are gone.
fn save_parts<P: Part + Ord, T: Serialize>(
    tx: &mut Tx<'_>,
    table: Table,
    key: &FunctionKey,
    old: Option<&BTreeMap<P, Arc<T>>>,
    new: Option<&BTreeMap<P, Arc<T>>>,
) -> Result<(), Error> {
    for (name, part) in new.into_iter().flatten() {
        let same = old.and_then(|old| old.get(name)).is_some_and(|old| Arc::ptr_eq(old, part));
        if !same {
            tx.save(table, &keys::part(key, name), &**part)?;
        }
    }
    for name in old.into_iter().flat_map(BTreeMap::keys).filter(|name| !new.is_some_and(|new| new.contains_key(name))) {
        tx.delete(table, &keys::part(key, name));
    }
    Ok(())
}
