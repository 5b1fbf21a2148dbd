//! The spawner for this crate's tests, whose own `main` belongs to the test harness.

fn main() {
    fogbank_sandbox::spawner_main_if_asked();
}
