//! `cargo xtask wasm`: builds the components that are committed, from their Rust sources.
//!
//! With `rustup target add wasm32-wasip2` that is Cargo's usual way. Where the target cannot be had, Debian's own compiler builds `core` and
//! `alloc` for bare WebAssembly from the sources that Debian ships beside it, and the module is wrapped here.

use std::path::{Path, PathBuf};
use std::process::Command;
use wit_component::ComponentEncoder;

type Failure = Box<dyn std::error::Error>;

/// Source directory, the library's name, and where the component goes.
const COMPONENTS: [(&str, &str, &str); 2] = [
    ("crates/wasm/tests/guest", "guest", "crates/wasm/tests/guest.wasm"),
    ("examples/wasm-rust", "wasm_rust", "examples/wasm-rust/function/function.wasm"),
];
/// Debian's compiler, its library and the sources of the standard library; of one version.
const PACKAGES: [&str; 5] = ["rustc-web", "libstd-rust-web-1.96", "libstd-rust-web-dev", "rust-web-src", "libllvm22"];

/// Builds all of them.
///
/// # Errors
/// A compiler is missing, or the sources do not build.
pub fn run() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the xtask crate has no parent directory")?;
    let builder = Builder::find(root)?;
    for (source, library, to) in COMPONENTS {
        let component = builder.build(&root.join(source), library)?;
        let to = root.join(to);
        if let Some(directory) = to.parent() {
            std::fs::create_dir_all(directory)?;
        }
        std::fs::write(&to, &component)?;
        println!("{}: {} bytes", to.display(), component.len());
    }
    Ok(())
}

/// How components are built here.
enum Builder {
    /// With the target `wasm32-wasip2`.
    Installed { target: PathBuf },
    /// With Debian's compiler, unpacked in this directory.
    Debian { place: PathBuf, linker: PathBuf, target: PathBuf },
}

impl Builder {
    fn find(root: &Path) -> Result<Self, Failure> {
        let target = root.join("target/wasm");
        let installed = PathBuf::from(said(&["--print", "target-libdir", "--target", "wasm32-wasip2"])?);
        if installed.is_dir() {
            return Ok(Self::Installed { target });
        }
        let place = root.join("target/wasm-rustc");
        if !place.join("usr/bin/rustc").exists() {
            fetch(&place)?;
        }
        let linker =
            Path::new(&said(&["--print", "sysroot"])?).join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld");
        Ok(Self::Debian { place, linker, target })
    }

    fn build(&self, source: &Path, library: &str) -> Result<Vec<u8>, Failure> {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--release"]).current_dir(source);
        match self {
            Self::Installed { target } => {
                succeed(cargo.args(["--target", "wasm32-wasip2"]).env("CARGO_TARGET_DIR", target))?;
                Ok(std::fs::read(target.join(format!("wasm32-wasip2/release/{library}.wasm")))?)
            }
            Self::Debian { place, linker, target } => {
                cargo.args(["--target", "wasm32-unknown-unknown", "-Zbuild-std=core,alloc"]);
                cargo.env("RUSTC", place.join("usr/bin/rustc")).env("RUSTC_BOOTSTRAP", "1");
                cargo.env("LD_LIBRARY_PATH", place.join("usr/lib/x86_64-linux-gnu"));
                cargo.env("RUSTFLAGS", format!("-Clinker={} -Clinker-flavor=wasm-ld", linker.display()));
                succeed(cargo.env("CARGO_TARGET_DIR", target))?;
                let module = std::fs::read(target.join(format!("wasm32-unknown-unknown/release/{library}.wasm")))?;
                Ok(ComponentEncoder::default().module(&module)?.validate(true).encode()?)
            }
        }
    }
}

/// Downloads and unpacks Debian's compiler, without installing it.
fn fetch(place: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(place)?;
    let download = succeed(Command::new("apt-get").arg("download").args(PACKAGES).current_dir(place));
    download
        .map_err(|why| format!("`rustup target add wasm32-wasip2` and try again; Debian's packages failed: {why}"))?;
    for entry in std::fs::read_dir(place)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "deb") {
            succeed(Command::new("dpkg").arg("-x").arg(&path).arg(place))?;
        }
    }
    Ok(())
}

fn said(arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("rustc").args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|why| format!("{command:?}: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
