//! Objects for other services of the platform, which need no wire: exports and imports of tables.

use crate::bodies::{Content, Pieces, Receive};
use crate::digest::Algorithm;
use crate::insert::{self, Body, New};
use crate::list::{self, Found, Range};
use crate::model::{Bucket, Draft, Head, Place, Summary};
use crate::notify::{self, Cause, Event};
use crate::upload::LARGEST;
use crate::{Error, Objects, bucket, keys, lookup};
use bytes::Bytes;
use fogbank_delivery::Origin;
use fogbank_model::AccountId;
use fogbank_store::{Error as StoreError, Read, Tx};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor};
use std::ops::Bound;
use std::path::PathBuf;
use std::pin::Pin;

impl Objects {
    /// Stores `body` as an object of a bucket of `account`, for `service` (such as `dynamodb.amazonaws.com`); answers its entity tag.
    ///
    /// # Errors
    /// [`Error::NoBucket`], [`Error::Denied`] for another account's bucket, [`Error::Store`].
    pub async fn put_whole(
        &self,
        account: &AccountId,
        service: &str,
        (bucket, key): (&str, &str),
        body: Bytes,
        content_type: &str,
    ) -> Result<String, Error> {
        let (name, key, owner) = (bucket.to_owned(), key.to_owned(), account.clone());
        let found = self.look(|state| own(state, bucket, account))?;
        let mut pieces = Pieces::whole(body);
        let how = Receive { algorithms: vec![Algorithm::Crc64Nvme], limit: LARGEST, inline: true };
        let received = self.bodies.receive(&*self.clock, Pin::new(&mut pieces), how).await?;
        let (body, fresh) = match received.content {
            Content::Inline(bytes) => (Body::Inline(bytes.to_vec()), None),
            Content::File(fresh) => (Body::File(fresh.name().to_owned()), Some(fresh)),
        };
        let head = Head { content_type: Some(content_type.to_owned()), ..Head::default() };
        let (algorithm, value) =
            received.digests.values.first().cloned().unwrap_or((Algorithm::Crc64Nvme, String::new()));
        let new = New {
            draft: Draft { head, ..Draft::default() },
            owner: account.clone(),
            size: received.size,
            etag: received.digests.etag(),
            checksum: New::full(algorithm, value),
            body,
            random: lookup::random(&*self.clock),
        };
        let (cause, deliver) = (cause(&found, service, self.clock.uuid()), self.deliver.clone());
        let put = move |tx: &mut Tx<'_>| {
            let bucket = own(tx, &name, &owner)?;
            let version = insert::insert(tx, &bucket, &key, new.clone())?;
            notify::notify(
                tx,
                &*deliver,
                &bucket,
                &cause,
                &Event { name: "ObjectCreated:Put", key: &key, version: &version },
            )?;
            Ok(version.etag)
        };
        let etag = self.change(put).await?;
        if let Some(fresh) = fresh {
            fresh.keep();
        }
        Ok(etag)
    }

    /// At most `limit` keys of a bucket of `account` that begin with `prefix` and follow `after`, with their sizes in bytes.
    ///
    /// # Errors
    /// [`Error::NoBucket`], [`Error::Denied`], [`Error::Store`].
    pub fn keys_below(
        &self,
        account: &AccountId,
        name: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, Error> {
        self.look(|state| {
            let bucket = own(state, name, account)?;
            let range = Range { prefix: prefix.to_owned(), limit, ..Range::default() };
            let from = after.map(|after| Bound::Excluded(keys::in_bucket(&bucket, after)));
            let size = |_: &str, bytes: &[u8]| {
                let summary: Summary = serde_json::from_slice(bytes)
                    .map_err(|error| StoreError::Damaged { table: keys::OBJECT.0, why: error.to_string() })?;
                Ok(Some(summary.size))
            };
            let page = list::page(state, &bucket, &list::OBJECTS, &range, from, size)?;
            let key = |found| match found {
                Found::Key(key, size) => Some((key, size)),
                Found::Prefix(_) => None,
            };
            Ok(page.found.into_iter().filter_map(key).collect())
        })
    }

    /// Reads a version of an object of a bucket of `account`, or the newest, on a thread that may block.
    ///
    /// # Errors
    /// [`Error::NoBucket`], [`Error::NoKey`], [`Error::NoVersion`], [`Error::Denied`], [`Error::Store`].
    pub fn open_object(
        &self,
        account: &AccountId,
        name: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<ObjectReader, Error> {
        self.look(|state| {
            let bucket = own(state, name, account)?;
            let version = lookup::readable(state, &bucket, key, version, "GET")?;
            let file = |name: &str| self.bodies.path(name);
            let mut reader = ObjectReader { current: Box::new(io::empty()), files: VecDeque::new() };
            match &version.place {
                Place::Nothing => {}
                Place::Inline => {
                    let bytes = state.get(keys::INLINE, &version.number.to_be_bytes())?;
                    reader.current = Box::new(Cursor::new(bytes.unwrap_or_default()));
                }
                Place::File(name) => reader.files.push_back(file(name)),
                Place::Parts => {
                    reader.files.extend(lookup::parts(state, &version)?.iter().map(|part| file(&part.file)));
                }
            }
            Ok(reader)
        })
    }
}

/// An object's bytes, read from its files one after another.
pub struct ObjectReader {
    current: Box<dyn io::Read + Send>,
    files: VecDeque<PathBuf>,
}

impl io::Read for ObjectReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.current.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            match self.files.pop_front() {
                Some(path) => self.current = Box::new(File::open(path)?),
                None => return Ok(0),
            }
        }
    }
}

fn own(state: &impl Read, name: &str, account: &AccountId) -> Result<Bucket, Error> {
    let bucket = bucket::find(state, name)?;
    if bucket.owner == *account { Ok(bucket) } else { Err(Error::Denied) }
}

/// The cause of what a service changes in `bucket`.
fn cause(bucket: &Bucket, service: &str, id: String) -> Cause {
    let id = fogbank_model::RequestId(id.into());
    Cause {
        origin: Origin {
            account: bucket.owner.clone(),
            region: bucket.region.clone(),
            service: "s3.amazonaws.com".into(),
            source: bucket.arn(),
            sender: service.to_owned(),
            endpoint: String::new(),
            trace: None,
            hops: 0,
        },
        principal: service.to_owned(),
        source_ip: service.to_owned(),
        request_id: crate::s3::request_id(&id),
        host_id: crate::s3::host_id(&id),
    }
}
