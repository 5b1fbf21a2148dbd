//! Tells the linker how to write down what is relocated at start.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu") {
        // A bit for each address in the place of 24 bytes: 1.7 MB that every start of the binary, the spawner's too, would read and keep.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
