//! What one call has of the platform: the data of its store, and the functions that its component may import.

use crate::no_sockets::NoSockets;
use crate::outbound::Outbound;
use crate::output::Output;
use crate::tmp::{Files, Tmp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime::{Engine, ResourceLimiter};
use wasmtime_wasi::filesystem::{WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::{filesystem, io, sockets};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The most things of the platform that a component holds at once: streams, files, header lists.
pub(crate) const RESOURCES: usize = 10_000;

/// The data of a call's store.
pub(crate) struct Host {
    pub table: ResourceTable,
    /// Made when it is first needed: a component that only answers needs none of it.
    pub wasi: Option<Box<WasiCtx>>,
    pub environment: Arc<Vec<(String, String)>>,
    pub http: WasiHttpCtx,
    pub outbound: Outbound,
    pub tmp: Tmp,
    pub files: WasiFilesystemCtx,
    pub memory: Memory,
}

/// How much memory a call has, of all its linear memories.
pub(crate) struct Memory {
    pub limit: usize,
    pub used: usize,
    /// Whether more was wanted than there is.
    pub refused: bool,
    /// The most that any call of the instance has used, in MiB.
    pub peak_mb: Arc<AtomicU32>,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.refused = true;
            return Ok(false);
        }
        self.used = used;
        let used_mb = u32::try_from(used.div_ceil(1024 * 1024)).unwrap_or(u32::MAX);
        self.peak_mb.fetch_max(used_mb, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= crate::engine::TABLE_ELEMENTS)
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { wasi, environment, outbound, table, .. } = self;
        let make = || {
            let mut wasi = WasiCtx::builder();
            let output = || Output::new(outbound.log.clone());
            wasi.envs(environment).stdout(output()).stderr(output()).allow_tcp(false).allow_udp(false);
            Box::new(wasi.build())
        };
        WasiCtxView { ctx: wasi.get_or_insert_with(make), table }
    }
}

/// `wasi:io` needs the table alone.
struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Everything that a component may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    fn files(host: &mut Host) -> Files<'_> {
        let Host { tmp, files, table, .. } = host;
        Files { tmp, all: WasiFilesystemCtxView { ctx: files, table } }
    }
    fn table(host: &mut Host) -> &mut ResourceTable {
        &mut host.table
    }
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    // In place of Wasmtime's own, which would know no quota, make sockets before it refuses to connect them, and need all of WASI's state
    // for a stream.
    linker.allow_shadowing(true);
    filesystem::preopens::add_to_linker::<Host, Files<'static>>(&mut linker, files)?;
    filesystem::types::add_to_linker::<Host, Files<'static>>(&mut linker, files)?;
    sockets::tcp_create_socket::add_to_linker::<Host, NoSockets>(&mut linker, |_| NoSockets)?;
    sockets::udp_create_socket::add_to_linker::<Host, NoSockets>(&mut linker, |_| NoSockets)?;
    io::error::add_to_linker::<Host, Io>(&mut linker, table)?;
    io::poll::add_to_linker::<Host, Io>(&mut linker, table)?;
    io::streams::add_to_linker::<Host, Io>(&mut linker, table)?;
    Ok(linker)
}
