//! The compiler's program of the tests.

fn main() {
    fogbank_wasm::compiler_main_if_asked();
    panic!("not asked to compile");
}
