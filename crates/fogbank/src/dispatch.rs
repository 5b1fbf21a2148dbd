//! Sends each function to what runs it: WebAssembly components to `wasm`, everything else to `runtimes`.

use fogbank_functions::runtime::{InstanceSpec, Resolution, Runtime, StartError, Started, Taken, WASM};
use fogbank_model::BoxFuture;
use fogbank_runtimes::Processes;
use fogbank_wasm::Components;
use std::path::Path;

/// Every runtime of the platform.
pub struct Runtimes {
    /// What runs in processes.
    pub processes: Processes,
    /// What runs in the platform's own process, as WebAssembly.
    pub components: Components,
}

impl Runtimes {
    fn of(&self, runtime: &str) -> &dyn Runtime {
        if runtime == WASM { &self.components } else { &self.processes }
    }
}

impl Runtime for Runtimes {
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Started, StartError>> {
        self.of(&spec.runtime).start(spec)
    }

    fn snapshot(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Taken, StartError>> {
        self.of(&spec.runtime).snapshot(spec)
    }

    fn resolve(&self, runtime: &str) -> Resolution {
        self.of(runtime).resolve(runtime)
    }

    fn prepare<'a>(&'a self, runtime: &'a str) -> BoxFuture<'a, ()> {
        self.of(runtime).prepare(runtime)
    }

    fn accept<'a>(&'a self, runtime: &'a str, handler: &'a str, code: &'a Path) -> BoxFuture<'a, Result<(), String>> {
        self.of(runtime).accept(runtime, handler, code)
    }
}
