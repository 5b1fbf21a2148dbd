//! The compiler's process: the platform's binary run again under another name. Reads a component from its standard input and writes machine
//! code to its standard output. What it compiles comes from strangers, so it gives up everything it does not need first.

use crate::engine;
use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use wasmtime::{Engine, Precompiled};

/// The name under which the platform's binary runs as a compiler.
pub(crate) const NAME: &str = "fogbank-wasm-compiler";
/// The exit status that means: the component is at fault, and standard error says why.
pub(crate) const REFUSED: i32 = 3;

/// Address space in bytes. The compiler takes about 40 times the size of a component.
const MEMORY_BYTES: u64 = 8 << 30;
/// Processor time in seconds, of all threads together.
const CPU_SECONDS: u64 = 300;
/// The most bytes of machine code.
const CODE_BYTES: u64 = 1 << 30;
/// Open files.
const FILES: u64 = 16;

/// If this process was started as a compiler, does that work and never returns. A program that uses [`crate::Components`] calls this first
/// thing in `main`.
pub fn compiler_main_if_asked() {
    if std::env::args_os().next().is_none_or(|name| name.as_bytes() != NAME.as_bytes()) {
        return;
    }
    let status = match confine().and_then(|()| compile()) {
        Ok(()) => 0,
        Err(why) => {
            // Nobody is left to tell if that fails.
            drop(writeln!(std::io::stderr(), "{why}"));
            REFUSED
        }
    };
    std::process::exit(status);
}

fn confine() -> Result<(), String> {
    let limits = [
        (Resource::As, MEMORY_BYTES),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Fsize, CODE_BYTES),
        (Resource::Nofile, FILES),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
            .map_err(|error| format!("the compiler could not be limited: {error}"))?;
    }
    // As far as this kernel can: it opens no file and makes no connection from here on.
    let rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    let rules = rules.handle_access(AccessFs::from_all(ABI::V5));
    let rules = rules.and_then(|rules| rules.handle_access(AccessNet::from_all(ABI::V5)));
    let confined = rules.and_then(|rules| rules.create()).and_then(|rules| rules.restrict_self());
    confined.map(drop).map_err(|error| format!("the compiler could not be confined: {error}"))
}

fn compile() -> Result<(), String> {
    let mut component = Vec::new();
    std::io::stdin().lock().read_to_end(&mut component).map_err(|error| format!("reading the component: {error}"))?;
    if Engine::detect_precompiled(&component) == Some(Precompiled::Component) || !component.starts_with(b"\0asm") {
        return Err("it is not a WebAssembly binary".into());
    }
    // The four bytes after the magic number tell components from core modules.
    if component.get(4..8) == Some(&[1, 0, 0, 0]) {
        return Err("it is a core module, not a component: build it for wasm32-wasip2, or wrap it with `wasm-tools component new`".into());
    }
    let engine = engine::compiling().map_err(|error| format!("{error:#}"))?;
    let code = engine.precompile_component(&component).map_err(|error| format!("{error:#}"))?;
    std::io::stdout().lock().write_all(&code).map_err(|error| format!("writing the machine code: {error}"))
}
