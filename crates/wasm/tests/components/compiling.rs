//! From a package to machine code: what is refused, what is kept, and compilers that fail.

use crate::stage::{GUEST, Stage, get, text};
use fogbank_functions::runtime::{Runtime, StartError, Started};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

async fn refusal(stage: &Stage, name: &str, file: &[u8]) -> String {
    let code = stage.package(name, file);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_component_is_refused_with_the_reason() {
    let stage = Stage::new();
    let refused = refusal(&stage, "a", b"#!/bin/sh").await;
    assert!(refused.contains("it is not a WebAssembly binary"), "{refused}");
    let refused = refusal(&stage, "b", b"\0asm\x01\0\0\0").await;
    assert!(refused.contains("it is a core module, not a component"), "{refused}");
    let refused = refusal(&stage, "c", &GUEST[..GUEST.len() / 2]).await;
    assert!(refused.contains("The component is not valid"), "{refused}");
    // An empty component.
    let refused = refusal(&stage, "d", b"\0asm\x0d\0\x01\0").await;
    assert!(refused.contains("does not export wasi:http/incoming-handler"), "{refused}");
    let code = stage.package("e", GUEST);
    let missing = stage.components.accept("wasm", "other.wasm", &code).await.unwrap_err();
    assert!(missing.contains("no file other.wasm"), "{missing}");
}

#[tokio::test]
async fn machine_code_from_a_package_is_never_loaded() {
    let stage = Stage::new();
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let compiled = std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().next().unwrap().unwrap();
    let machine_code = std::fs::read(compiled.path()).unwrap();
    let refused = refusal(&stage, "q", &machine_code).await;
    assert!(refused.contains("not a WebAssembly binary"), "{refused}");
}

/// A compiler that first does as `script` says, and notes that it was started.
fn compiler(stage_home: &Path, script: &str) -> PathBuf {
    let program = stage_home.join("compiler.sh");
    let real = env!("CARGO_BIN_EXE_wasm-test-compiler");
    let notes = stage_home.join("notes");
    let text = format!(
        "#!/bin/bash\necho started >> {0}\ncount=$(wc -l < {0})\n{script}\nexec -a fogbank-wasm-compiler {real}\n",
        notes.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn attempts(home: &Path) -> usize {
    std::fs::read_to_string(home.join("notes")).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn a_compiler_that_is_killed_is_replaced_once() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "[ $count = 1 ] && kill -9 $$");
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    assert_eq!(attempts(stage.home.path()), 2);
}

#[tokio::test]
async fn a_compiler_that_hangs_is_ended_and_replaced_once() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "exec sleep 600");
    let stage = Stage::at(home, &program, Duration::from_millis(300));
    let code = stage.package("p", GUEST);
    let refused = stage.components.accept("wasm", "guest.wasm", &code).await.unwrap_err();
    assert!(refused.contains("took longer than"), "{refused}");
    assert_eq!(attempts(stage.home.path()), 2);
}

#[tokio::test]
async fn machine_code_is_kept_until_its_package_goes() {
    let home = tempfile::tempdir().unwrap();
    let program = compiler(home.path(), "");
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let Stage { home, components, .. } = stage;
    drop(components);
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    let started: Started = stage.components.start(stage.spec(code.clone())).await.unwrap();
    assert_eq!(text(get(&*started.instance, "/hello").await), "hello");
    assert_eq!(attempts(stage.home.path()), 1, "compiled again");
    std::fs::remove_dir_all(&code).unwrap();
    let Stage { home, .. } = stage;
    let stage = Stage::at(home, &program, Duration::from_secs(60));
    assert_eq!(std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().count(), 0);
}

#[tokio::test]
async fn machine_code_that_was_damaged_is_made_again() {
    let stage = Stage::new();
    let code = stage.package("p", GUEST);
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
    let compiled = std::fs::read_dir(stage.home.path().join("wasm/compiled")).unwrap().next().unwrap().unwrap().path();
    let Stage { home, components, .. } = stage;
    drop(components);
    std::fs::remove_file(&compiled).unwrap();
    std::fs::write(&compiled, b"torn").unwrap();
    let stage = Stage::at(home, Path::new(env!("CARGO_BIN_EXE_wasm-test-compiler")), Duration::from_secs(60));
    stage.components.accept("wasm", "guest.wasm", &code).await.unwrap();
}

#[tokio::test]
async fn a_package_that_cannot_run_fails_the_start_and_not_the_platform() {
    let stage = Stage::new();
    let spec = stage.spec(stage.package("p", b"nonsense"));
    let Err(StartError::Init { error_type, .. }) = stage.components.start(spec).await else { panic!() };
    assert_eq!(error_type, "Runtime.InvalidEntrypoint");
}
