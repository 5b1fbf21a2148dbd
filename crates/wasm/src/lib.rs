//! WebAssembly components.
