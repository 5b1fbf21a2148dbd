//! How Wasmtime is set up: the same for the compiler's process and the platform, except that only the platform keeps a pool.

use std::hash::{DefaultHasher, Hash, Hasher};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// The most linear memories that all calls under way have together; calls beyond wait. Each takes 4 GiB of address space, but no memory
/// before it is used.
pub(crate) const MEMORIES: u32 = 1024;
/// The most linear memories of one component.
pub(crate) const MEMORIES_PER_COMPONENT: u32 = 16;
/// The most core instances and tables of one component. Those of all calls together are as many as fit the memories of components with
/// one memory each.
const CORE_INSTANCES: u32 = 64;
/// The most elements of a table; Python's and JavaScript's interpreters have some ten thousand.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;
/// So much of a memory's begin, a table and a stack stays mapped between calls, and is cleared by writing instead of by unmapping: that is
/// less than what two page faults cost.
const KEPT_BYTES: usize = 64 * 1024;
/// The stack of the component's own code.
const WASM_STACK_BYTES: usize = 1024 * 1024;
/// That, and what the platform's functions need that the component calls.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// The settings that decide what code is made.
fn settings() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(WASM_STACK_BYTES);
    config.async_stack_size(STACK_BYTES);
    config
}

/// The engine that compiles.
pub(crate) fn compiling() -> wasmtime::Result<Engine> {
    Engine::new(&settings())
}

/// The engine that runs. Reserves address space for its pool.
pub(crate) fn running() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(MEMORIES)
        .total_component_instances(MEMORIES)
        .total_core_instances(MEMORIES * 8)
        .total_tables(MEMORIES * 4)
        .total_stacks(MEMORIES)
        .max_memories_per_component(MEMORIES_PER_COMPONENT)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_tables_per_component(CORE_INSTANCES)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        .async_stack_keep_resident(KEPT_BYTES)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(64);
    let mut config = settings();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Differs between engines whose code does not fit each other: their version, settings, or processor.
pub(crate) fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}
