//! Streams: making, deleting and listing them.

use crate::groups::must_exist;
use crate::model::{GroupKey, PAGE, Stream};
use crate::{Error, Logs, keys};
use fogbank_store::{Read, Tx};

/// Which streams to list, and in which order.
#[derive(Debug, Default, Clone)]
pub struct StreamFilter {
    /// Only names that begin with this.
    pub prefix: Option<String>,
    /// By the time of the latest event instead of by name.
    pub by_last_event: bool,
    /// The other way round.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<(u64, String)>,
    /// The most streams wanted; 50 unless fewer.
    pub limit: Option<usize>,
}

/// Streams with their names, and where the next page begins.
pub type StreamPage = (Vec<(String, Stream)>, Option<(u64, String)>);

impl Logs {
    /// Makes a stream.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::StreamExists`].
    pub async fn create_stream(&self, group: &GroupKey, name: &str) -> Result<(), Error> {
        self.sink.flush().await?;
        let (group, key) = (group.clone(), keys::stream(group, name));
        let create = move |tx: &mut Tx<'_>| {
            must_exist(tx, &group)?;
            if tx.get(keys::STREAM, &key)?.is_some() {
                return Err(Error::StreamExists);
            }
            let stream = Stream::new(tx.now());
            Ok(tx.save(keys::STREAM, &key, &stream)?)
        };
        self.store.transact(create).await
    }

    /// Deletes a stream with its events.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::NoStream`].
    pub async fn delete_stream(&self, group: &GroupKey, name: &str) -> Result<(), Error> {
        let (within, key) = (group.clone(), keys::stream(group, name));
        let known = key.clone();
        self.look(move |read| {
            must_exist(read, &within)?;
            read.get(keys::STREAM, &known)?.map(drop).ok_or(Error::NoStream)
        })
        .await?;
        self.delete_events([key.as_slice(), b"\0"].concat()).await?;
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            tx.delete(keys::STREAM, &key);
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// The streams of a group.
    ///
    /// # Errors
    /// [`Error::NoGroup`], [`Error::InvalidParameter`].
    pub async fn streams(&self, group: &GroupKey, filter: StreamFilter) -> Result<StreamPage, Error> {
        if filter.by_last_event && filter.prefix.is_some() {
            return Err(Error::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let group = group.clone();
        self.look(move |read| {
            must_exist(read, &group)?;
            let within = keys::in_group(&group);
            let prefix = [&within, filter.prefix.as_deref().unwrap_or_default().as_bytes()].concat();
            let streams = read.load_prefix::<Stream>(keys::STREAM, &prefix)?.into_iter();
            let named =
                streams.map(|(key, stream)| (String::from_utf8_lossy(&key[within.len()..]).into_owned(), stream));
            Ok(page(named.collect(), &filter))
        })
        .await
    }
}

fn page(mut streams: Vec<(String, Stream)>, filter: &StreamFilter) -> StreamPage {
    let rank = |(name, stream): &(String, Stream)| {
        let last = stream.last_event.map_or(0, |last| u64::try_from(last.0).unwrap_or(0));
        (if filter.by_last_event { last } else { 0 }, name.clone())
    };
    streams.sort_by_cached_key(rank);
    if filter.descending {
        streams.reverse();
    }
    let later = |stream: &(String, Stream)| {
        filter
            .after
            .as_ref()
            .is_none_or(|after| if filter.descending { rank(stream) < *after } else { rank(stream) > *after })
    };
    let limit = filter.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let mut rest = streams.into_iter().filter(later);
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_| page.last().map(rank));
    (page, next)
}
