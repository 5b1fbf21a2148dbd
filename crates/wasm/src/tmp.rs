//! A call's `/tmp`: a directory that is made when the component first asks for its directories, and removed with the call. It counts what is
//! written, made and opened, so that a component can fill neither the disk nor the platform's table of open files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode, Filesize,
    Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError, StreamResult,
};
use wasmtime_wasi::{FsPerms, OpenMode, async_trait};

/// What a file or directory takes of the quota by itself: a block.
const ENTRY_BYTES: u64 = 4096;
/// The most files and directories open at once.
const OPEN: usize = 128;

/// A call's `/tmp`.
pub(crate) struct Tmp {
    /// Where directories are made.
    root: Arc<PathBuf>,
    made: Option<TempDir>,
    left: Arc<AtomicU64>,
    open: usize,
}

impl Tmp {
    /// Makes nothing yet. `size` in bytes.
    pub fn new(root: Arc<PathBuf>, size: u64) -> Self {
        Self { root, made: None, left: Arc::new(AtomicU64::new(size)), open: 0 }
    }

    fn directory(&mut self) -> std::io::Result<Dir> {
        if self.made.is_none() {
            self.made = Some(tempfile::Builder::new().prefix("call-").tempdir_in(&*self.root)?);
        }
        let path = self.made.as_ref().map(TempDir::path).unwrap_or(&self.root);
        let file = std::fs::File::open(path)?;
        Ok(Dir::new(file, FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE, false))
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        if let Some(made) = self.made.take() {
            // Whoever drops this may be on the way of a call.
            tokio::task::spawn_blocking(move || drop(made));
        }
    }
}

/// Takes `bytes` of what is `left`, or nothing.
fn take(left: &AtomicU64, bytes: u64) -> Result<(), ErrorCode> {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
    taken.map(drop).map_err(|_| ErrorCode::InsufficientSpace)
}

/// A call's files.
pub(crate) struct Files<'a> {
    pub tmp: &'a mut Tmp,
    pub all: WasiFilesystemCtxView<'a>,
}

impl HasData for Files<'static> {
    type Data<'a> = Files<'a>;
}

impl Files<'_> {
    fn take(&self, bytes: u64) -> FsResult<()> {
        take(&self.tmp.left, bytes).map_err(FsError::from)
    }

    fn open_one(&mut self) -> Result<(), ErrorCode> {
        if self.tmp.open >= OPEN {
            return Err(ErrorCode::InsufficientMemory);
        }
        self.tmp.open += 1;
        Ok(())
    }

    fn metered(&mut self, stream: Resource<DynOutputStream>) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.all.table.delete(stream)?;
        let metered: DynOutputStream = Box::new(Metered { inner, left: self.tmp.left.clone() });
        Ok(self.all.table.push(metered)?)
    }
}

impl preopens::Host for Files<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        self.open_one()?;
        let directory = self.tmp.directory()?;
        Ok(vec![(self.all.table.push(Descriptor::Dir(directory))?, "/tmp".into())])
    }
}

impl Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.all.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        if let Some(code) = self.all.table.get(&error)?.downcast_ref::<ErrorCode>() {
            return Ok(Some(*code));
        }
        self.all.filesystem_error_code(error)
    }
}

/// Everything goes to Wasmtime's own files, once it has been counted.
impl HostDescriptor for Files<'_> {
    async fn write(&mut self, fd: Resource<Descriptor>, buffer: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        self.take(buffer.len() as u64)?;
        self.all.write(fd, buffer, offset).await
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        self.take(size)?;
        self.all.set_size(fd, size).await
    }

    fn write_via_stream(&mut self, fd: Resource<Descriptor>, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.all.write_via_stream(fd, offset)?;
        self.metered(stream)
    }

    fn append_via_stream(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.all.append_via_stream(fd)?;
        self.metered(stream)
    }

    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        if how.contains(OpenFlags::CREATE) {
            self.take(ENTRY_BYTES)?;
        }
        self.open_one()?;
        let opened = self.all.open_at(fd, path_flags, path, how, flags).await;
        if opened.is_err() {
            self.tmp.open -= 1;
        }
        opened
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> wasmtime::Result<()> {
        let shared = match self.all.table.get(&fd)? {
            Descriptor::File(file) => Arc::strong_count(&file.file) > 1,
            Descriptor::Dir(directory) => Arc::strong_count(&directory.dir) > 1,
        };
        // What a stream still reads from or writes to stays open, and counted until the call ends.
        if !shared {
            self.tmp.open = self.tmp.open.saturating_sub(1);
        }
        HostDescriptor::drop(&mut self.all, fd)
    }

    async fn create_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.take(ENTRY_BYTES)?;
        self.all.create_directory_at(fd, path).await
    }

    async fn symlink_at(&mut self, fd: Resource<Descriptor>, from: String, to: String) -> FsResult<()> {
        self.take(ENTRY_BYTES)?;
        self.all.symlink_at(fd, from, to).await
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        old: String,
        new_fd: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        self.take(ENTRY_BYTES)?;
        self.all.link_at(fd, flags, old, new_fd, new).await
    }

    async fn advise(&mut self, fd: Resource<Descriptor>, at: Filesize, size: Filesize, how: Advice) -> FsResult<()> {
        self.all.advise(fd, at, size, how).await
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.all.sync_data(fd).await
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.all.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.all.get_type(fd).await
    }

    async fn set_times(&mut self, fd: Resource<Descriptor>, access: NewTimestamp, data: NewTimestamp) -> FsResult<()> {
        self.all.set_times(fd, access, data).await
    }

    async fn read(&mut self, fd: Resource<Descriptor>, size: Filesize, at: Filesize) -> FsResult<(Vec<u8>, bool)> {
        self.all.read(fd, size, at).await
    }

    async fn read_directory(&mut self, fd: Resource<Descriptor>) -> FsResult<Resource<DirectoryEntryStream>> {
        self.all.read_directory(fd).await
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.all.sync(fd).await
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.all.stat(fd).await
    }

    async fn stat_at(&mut self, fd: Resource<Descriptor>, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        self.all.stat_at(fd, flags, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        access: NewTimestamp,
        data: NewTimestamp,
    ) -> FsResult<()> {
        self.all.set_times_at(fd, flags, path, access, data).await
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        self.all.readlink_at(fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.all.remove_directory_at(fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        old: String,
        new_fd: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        self.all.rename_at(fd, old, new_fd, new).await
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        self.all.unlink_file_at(fd, path).await
    }

    fn read_via_stream(&mut self, fd: Resource<Descriptor>, at: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.all.read_via_stream(fd, at)
    }

    async fn is_same_object(&mut self, a: Resource<Descriptor>, b: Resource<Descriptor>) -> wasmtime::Result<bool> {
        self.all.is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.all.metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.all.metadata_hash_at(fd, flags, path).await
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.all.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.all, stream)
    }
}

/// A stream into a file that counts what is written.
struct Metered {
    inner: DynOutputStream,
    left: Arc<AtomicU64>,
}

#[async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        take(&self.left, bytes.len() as u64).map_err(|code| StreamError::LastOperationFailed(code.into()))?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}
