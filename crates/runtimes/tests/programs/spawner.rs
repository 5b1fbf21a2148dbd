//! The spawner for this crate's tests.

fn main() {
    fogbank_sandbox::spawner_main_if_asked();
}
