//! Loading compiled code. This is the one place outside the crate `sandbox` with `unsafe`: whoever can change what is loaded here runs
//! code as the platform.
#![allow(unsafe_code)]

use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads the compiled component at `path`, a file that [`crate::compile`] made.
///
/// # Errors
/// If there is no such file, or it was made by another version or with other settings.
pub(crate) fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `Engine::precompile_component` gave, and stay so while it is mapped. It lies in a directory that only
    // the platform's user may enter and that no sandbox or component sees; `compile` moves a file there whole, once it has been written
    // and synced by the compiler's process, and nothing writes to it afterwards: a later version of a component has another name, and
    // files are only ever unlinked. A torn or foreign file is refused by its header's version and settings.
    unsafe { Component::deserialize_file(engine, path) }
}
