//! Holds the edges between crates that ARCHITECTURE.md allows.

use std::collections::BTreeMap;
use std::process::Command;

/// What each crate may depend on, of ours.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("store", &["model"]),
    ("wire", &["model"]),
    ("delivery", &["model", "store"]),
    ("expressions", &["model"]),
    ("sandbox", &[]),
    ("functions", &["delivery", "expressions", "model", "store", "wire"]),
    ("runtimes", &["functions", "model", "sandbox"]),
    ("wasm", &["functions", "model", "runtimes"]),
    ("logs", &["delivery", "model", "store", "wire"]),
    ("identity", &["model", "store", "wire"]),
    ("object", &["delivery", "model", "store", "wire"]),
    ("parameter", &["model", "store", "wire"]),
    ("queue", &["delivery", "model", "store", "wire"]),
    ("schedule", &["delivery", "expressions", "model", "store", "wire"]),
    ("bus", &["delivery", "expressions", "model", "store", "wire"]),
    ("stream", &["delivery", "model", "store", "wire"]),
    ("table", &["delivery", "model", "store", "wire"]),
    ("topic", &["delivery", "model", "store", "wire"]),
    ("gateway", &["model", "store", "wire"]),
    ("deploy", &["model", "store", "wire"]),
];

#[test]
fn crates_depend_on_nothing_but_what_the_architecture_allows() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(["metadata", "--no-deps", "--format-version=1", "--offline"]).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut seen = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let Some(name) = package["name"].as_str().unwrap().strip_prefix("fogbank-") else { continue };
        let allowed = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in the list; add it there and in ARCHITECTURE.md"));
        let dependencies = package["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null());
        for dependency in dependencies.filter_map(|one| one["name"].as_str()?.strip_prefix("fogbank-")) {
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
        seen += 1;
    }
    assert_eq!(seen, ALLOWED.len(), "a crate in the list does not exist");
}
