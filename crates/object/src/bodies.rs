//! Bodies on disk: files with random names below `DATA/objects`, written once and never changed.
//!
//! A body is synced, with its name, before the transaction that refers to it. A file that no transaction refers to is left over from a request
//! or process that ended; [`Bodies::sweep`] removes those at the start. Small bodies are kept in the store itself, where many share one sync.

use crate::Error;
use crate::digest::{Algorithm, Digests, Sums};
use bytes::{Bytes, BytesMut};
use fogbank_model::Clock;
use futures_core::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bodies up to this are kept in the store.
pub(crate) const INLINE: usize = 8 * 1024;
/// How much is written, hashed or read at once.
const PIECE: usize = 1024 * 1024;
/// How many bytes may be written before the disk is told to begin.
const SYNC_EVERY: u64 = 16 * 1024 * 1024;
/// How long a client may pause within a body.
const PAUSE: Duration = Duration::from_secs(60);

/// The files of all bodies.
#[derive(Clone)]
pub(crate) struct Bodies {
    root: Arc<Path>,
}

/// A file that nothing refers to yet. Dropped without [`Fresh::keep`], it is removed.
pub(crate) struct Fresh {
    path: PathBuf,
    name: String,
    kept: bool,
}

impl Fresh {
    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// To be called when a transaction that refers to it is on disk.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is removed at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Where a received body is.
pub(crate) enum Content {
    Inline(Bytes),
    File(Fresh),
}

/// A body that has come whole.
pub(crate) struct Received {
    pub size: u64,
    pub digests: Digests,
    pub content: Content,
}

/// What to receive, and how.
pub(crate) struct Receive {
    /// The checksums to compute.
    pub algorithms: Vec<Algorithm>,
    /// The most bytes.
    pub limit: u64,
    /// Whether a small body may stay in memory, for the store.
    pub inline: bool,
}

/// Part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    pub file: String,
    pub from: u64,
    pub length: u64,
}

/// A body on its way to the disk. What is being done moves to threads that may block, and comes back when more is to be done: writing and
/// hashing go on beside each other, and beside them the disk takes what was written before.
struct Target {
    fresh: Fresh,
    writing: JoinHandle<io::Result<File>>,
    hashing: JoinHandle<io::Result<Sums>>,
    syncing: Option<JoinHandle<io::Result<()>>>,
    unsynced: u64,
}

fn write(mut file: File, pieces: &[Bytes]) -> io::Result<File> {
    pieces.iter().try_for_each(|piece| file.write_all(piece))?;
    Ok(file)
}

fn hash(mut sums: Sums, pieces: &[Bytes]) -> Sums {
    pieces.iter().for_each(|piece| sums.update(piece));
    sums
}

fn failed(error: io::Error) -> Error {
    Error::Store(fogbank_store::Error::Disk(error.to_string()))
}

impl Bodies {
    /// The bodies below `root`, with the directories that they need.
    pub fn open(root: &Path) -> io::Result<Self> {
        for shard in 0..=255u8 {
            std::fs::create_dir_all(root.join(hex::encode([shard])))?;
        }
        File::open(root)?.sync_all()?;
        if let Some(parent) = root.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { root: root.into() })
    }

    /// Where the file `name` is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name.get(..2).unwrap_or("00")).join(name)
    }

    fn fresh(&self, clock: &dyn Clock) -> Fresh {
        let mut random = [0u8; 16];
        clock.random(&mut random);
        let name = hex::encode(random);
        Fresh { path: self.path(&name), name, kept: false }
    }

    /// Reads a body to its end, onto the disk unless it is small.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::RequestTimeout`], [`Error::Body`] with what the stream says, [`Error::Store`].
    pub async fn receive<S>(&self, clock: &dyn Clock, mut stream: Pin<&mut S>, how: Receive) -> Result<Received, Error>
    where
        S: Stream<Item = Result<Bytes, StdError>> + ?Sized,
    {
        let mut size = 0;
        let (mut pieces, mut waiting) = (Vec::new(), 0);
        let mut target: Option<Target> = None;
        while let Some(piece) = next(stream.as_mut()).await? {
            size += piece.len() as u64;
            waiting += piece.len();
            if size > how.limit {
                return Err(Error::TooLarge { size, limit: how.limit });
            }
            pieces.push(piece);
            if waiting >= PIECE {
                target = Some(self.push(clock, target, std::mem::take(&mut pieces), &how.algorithms).await?);
                waiting = 0;
            }
        }
        if target.is_none() && how.inline && waiting <= INLINE {
            let whole = joined(pieces);
            let mut sums = Sums::new(&how.algorithms);
            sums.update(&whole);
            return Ok(Received { size, digests: sums.finish(), content: Content::Inline(whole) });
        }
        let target = self.push(clock, target, pieces, &how.algorithms).await?;
        if let Some(syncing) = target.syncing {
            ended(syncing).await?;
        }
        let (file, path) = (ended(target.writing).await?, target.fresh.path.clone());
        blocking(move || {
            file.sync_data()?;
            sync_parent(&path)
        })
        .await?;
        let digests = ended(target.hashing).await?.finish();
        Ok(Received { size, digests, content: Content::File(target.fresh) })
    }

    /// Has `pieces` written behind what is being written, which it waits for.
    async fn push(
        &self,
        clock: &dyn Clock,
        target: Option<Target>,
        pieces: Vec<Bytes>,
        algorithms: &[Algorithm],
    ) -> Result<Target, Error> {
        let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        let (written, hashed) = (pieces.clone(), pieces);
        let Some(Target { fresh, writing, hashing, mut syncing, mut unsynced }) = target else {
            let fresh = self.fresh(clock);
            let (path, sums) = (fresh.path.clone(), Sums::new(algorithms));
            let writing = spawn_blocking(move || write(File::create_new(path)?, &written));
            let hashing = spawn_blocking(move || Ok(hash(sums, &hashed)));
            return Ok(Target { fresh, writing, hashing, syncing: None, unsynced: length });
        };
        let file = ended(writing).await?;
        unsynced += length;
        if unsynced >= SYNC_EVERY && syncing.as_ref().is_none_or(JoinHandle::is_finished) {
            if let Some(syncing) = syncing.take() {
                ended(syncing).await?;
            }
            let same = file.try_clone().map_err(failed)?;
            syncing = Some(spawn_blocking(move || same.sync_data()));
            unsynced = 0;
        }
        let writing = spawn_blocking(move || write(file, &written));
        let sums = ended(hashing).await?;
        let hashing = spawn_blocking(move || Ok(hash(sums, &hashed)));
        Ok(Target { fresh, writing, hashing, syncing, unsynced })
    }

    /// Another name for the file `name`, so that a copy costs no bytes.
    pub async fn link(&self, clock: &dyn Clock, name: &str) -> Result<Fresh, Error> {
        let fresh = self.fresh(clock);
        let (from, to) = (self.path(name), fresh.path.clone());
        blocking(move || {
            // A file system has its limit of names for one file.
            if std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to)?;
                File::open(&to)?.sync_data()?;
            }
            sync_parent(&to)
        })
        .await?;
        Ok(fresh)
    }

    /// The bytes of `slices`, one after another, as they are asked for.
    pub fn read(&self, slices: Vec<Slice>) -> Pieces {
        let length = slices.iter().map(|slice| slice.length).sum();
        let (sender, receiver) = mpsc::channel(1);
        let bodies = self.clone();
        tokio::spawn(async move {
            if let Err(error) = bodies.send(slices, &sender).await {
                tracing::error!(%error, "a body could not be read");
                // The receiver that is gone does not want to know.
                let _ = sender.send(Err(error)).await;
            }
        });
        Pieces { receiver, first: None, left: length }
    }

    async fn send(&self, slices: Vec<Slice>, to: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
        for slice in slices.into_iter().filter(|slice| slice.length > 0) {
            let path = self.path(&slice.file);
            let mut left = slice.length;
            let opened = spawn_blocking(move || {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(slice.from))?;
                read_piece(file, left)
            });
            let (mut file, piece) = opened.await.map_err(io::Error::other)??;
            left -= piece.len() as u64;
            if to.send(Ok(piece)).await.is_err() {
                return Ok(());
            }
            while left > 0 {
                let piece;
                (file, piece) = spawn_blocking(move || read_piece(file, left)).await.map_err(io::Error::other)??;
                left -= piece.len() as u64;
                if to.send(Ok(piece)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Removes a file. One that is gone already is fine.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes every file that `is_needed` does not say is referred to.
    pub fn sweep(&self, mut is_needed: impl FnMut(&str) -> bool) -> io::Result<()> {
        for shard in std::fs::read_dir(&self.root)? {
            for file in std::fs::read_dir(shard?.path())? {
                let file = file?;
                if !is_needed(&file.file_name().to_string_lossy()) {
                    std::fs::remove_file(file.path())?;
                }
            }
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    ended(spawn_blocking(work)).await
}

async fn ended<T>(work: JoinHandle<io::Result<T>>) -> Result<T, Error> {
    work.await.map_err(io::Error::other).flatten().map_err(failed)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn read_piece(mut file: File, left: u64) -> io::Result<(File, Bytes)> {
    let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
    let mut piece = BytesMut::zeroed(length);
    file.read_exact(&mut piece)?;
    Ok((file, piece.freeze()))
}

fn joined(pieces: Vec<Bytes>) -> Bytes {
    match <[Bytes; 1]>::try_from(pieces) {
        Ok([only]) => only,
        Err(pieces) => pieces.concat().into(),
    }
}

/// The next piece of a stream that must not pause for long.
async fn next<S>(mut stream: Pin<&mut S>) -> Result<Option<Bytes>, Error>
where
    S: Stream<Item = Result<Bytes, StdError>> + ?Sized,
{
    let next = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx));
    let next = tokio::time::timeout(PAUSE, next).await.map_err(|_| Error::RequestTimeout)?;
    next.transpose().map_err(|error| Error::Body(error.to_string()))
}

/// A body on its way to a client, with its length.
pub(crate) struct Pieces {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    first: Option<Bytes>,
    left: u64,
}

impl Pieces {
    /// A body that is there already.
    pub fn whole(bytes: Bytes) -> Self {
        let (_, receiver) = mpsc::channel(1);
        Self { receiver, left: bytes.len() as u64, first: Some(bytes) }
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = match self.first.take() {
            Some(first) => Some(Ok(first)).filter(|_| self.left > 0),
            None => std::task::ready!(self.receiver.poll_recv(cx)),
        };
        if let Some(Ok(piece)) = &next {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(next.map(|piece| piece.map_err(Into::into)))
    }
}

impl ByteStream for Pieces {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.left).unwrap_or(usize::MAX))
    }
}
