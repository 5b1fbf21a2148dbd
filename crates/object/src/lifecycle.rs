//! Rules that remove what is old: objects, versions that are not current, delete markers with nothing below them, uploads that nobody ends.
//!
//! A sweep goes through the buckets that have rules once an hour, a batch of keys to a transaction, with the notifications of each removal.

use crate::configuration::{self, kind};
use crate::insert::erase;
use crate::keys;
use crate::list::after_all;
use crate::model::{Bucket, Upload, Version, Versioning};
use crate::notify::{self, Cause, Event};
use crate::remove::{self, Remover};
use crate::{Error, Objects, bucket, lock, lookup, upload};
use fogbank_delivery::Origin;
use fogbank_model::Timestamp;
use fogbank_store::{Read as _, Tx};
use s3s::dto::{BucketLifecycleConfiguration, LifecycleRule};
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How often the rules are looked at.
const EVERY: Duration = Duration::from_secs(3600);
/// Records that one transaction looks at.
const BATCH: usize = 256;
const DAY: i64 = 86_400_000;

/// Sweeps now and then, until the objects are gone.
pub(crate) async fn work(objects: Weak<Objects>) {
    loop {
        let Some(strong) = objects.upgrade() else { return };
        if let Err(error) = sweep(&strong).await {
            tracing::error!(%error, "lifecycle rules could not be applied");
        }
        let clock = strong.clock.clone();
        drop(strong);
        clock.sleep_until(clock.now().plus(EVERY)).await;
    }
}

/// Applies the rules of all buckets.
pub(crate) async fn sweep(objects: &Arc<Objects>) -> Result<(), Error> {
    let buckets: Vec<Bucket> = objects
        .look(|state| Ok(state.load_prefix(keys::BUCKET, &[])?))?
        .into_iter()
        .map(|(_, bucket)| bucket)
        .collect();
    for bucket in buckets {
        let configured = objects.look(|state| rules(state, &bucket))?;
        let active: Vec<LifecycleRule> =
            configured.into_iter().filter(|rule| rule.status.as_str() == "Enabled").collect();
        if !active.is_empty() {
            sweep_versions(objects, &bucket, &active).await?;
            sweep_uploads(objects, &bucket, &active).await?;
        }
    }
    Ok(())
}

fn rules(read: &impl fogbank_store::Read, bucket: &Bucket) -> Result<Vec<LifecycleRule>, Error> {
    let found: Option<BucketLifecycleConfiguration> = configuration::get(read, bucket, kind::LIFECYCLE)?;
    Ok(found.map(|found| found.rules).unwrap_or_default())
}

/// When an object of `modified` has been there for `days`: at the midnight that follows, as S3 has it.
fn after_days(modified: Timestamp, days: i32) -> Timestamp {
    let end = modified.0 + i64::from(days) * DAY;
    Timestamp(end.div_euclid(DAY) * DAY + if end % DAY == 0 { 0 } else { DAY })
}

/// Whether a rule is about an object. A version that is not known yet has no tags and no size.
fn covers(rule: &LifecycleRule, key: &str, version: Option<&Version>) -> bool {
    let has_prefix = |prefix: &Option<String>| prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix));
    let has_tag = |tag: &s3s::dto::Tag| {
        version.is_some_and(|version| {
            version.tags.iter().any(|(key, value)| Some(key) == tag.key.as_ref() && Some(value) == tag.value.as_ref())
        })
    };
    let has_size = |more: Option<i64>, less: Option<i64>| {
        let size = version.and_then(|version| i64::try_from(version.size).ok()).unwrap_or_default();
        more.is_none_or(|more| size > more) && less.is_none_or(|less| size < less)
    };
    let Some(filter) = &rule.filter else { return has_prefix(&rule.prefix) };
    has_prefix(&filter.prefix)
        && filter.tag.as_ref().is_none_or(has_tag)
        && has_size(filter.object_size_greater_than, filter.object_size_less_than)
        && filter.and.as_ref().is_none_or(|and| {
            has_prefix(&and.prefix)
                && and.tags.iter().flatten().all(has_tag)
                && has_size(and.object_size_greater_than, and.object_size_less_than)
        })
}

/// When a rule removes the object whose current version this is.
fn expiry(rule: &LifecycleRule, version: &Version) -> Option<Timestamp> {
    let expiration = rule.expiration.as_ref()?;
    let by_date = expiration.date.clone().map(|date| {
        let date: time::OffsetDateTime = date.into();
        Timestamp(i64::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
    });
    expiration.days.map(|days| after_days(version.modified, days)).or(by_date)
}

/// `x-amz-expiration`: when the first rule removes the object, and which.
pub(crate) fn expiration(objects: &Objects, bucket: &Bucket, key: &str, version: &Version) -> Option<String> {
    let rules = objects.look(|state| rules(state, bucket)).ok()?;
    let enabled = rules.iter().filter(|rule| rule.status.as_str() == "Enabled" && covers(rule, key, Some(version)));
    let (at, rule) = enabled.filter_map(|rule| Some((expiry(rule, version)?, rule))).min_by_key(|(at, _)| *at)?;
    let id = crate::record::encoded(rule.id.as_deref().unwrap_or_default());
    Some(format!("expiry-date=\"{}\", rule-id=\"{id}\"", crate::s3::http_date(at)))
}

/// Who removes what is old.
fn cause(bucket: &Bucket) -> Cause {
    let origin = Origin {
        account: bucket.owner.clone(),
        region: bucket.region.clone(),
        service: "s3.amazonaws.com".into(),
        source: bucket.arn(),
        sender: "s3.amazonaws.com".into(),
        endpoint: "http://localhost".into(),
        trace: None,
        hops: 0,
    };
    Cause {
        origin,
        principal: "AmazonCustomer:lifecycle".into(),
        source_ip: "s3.amazonaws.com".into(),
        request_id: "LIFECYCLE0000000".into(),
        host_id: String::new(),
    }
}

/// The versions of one key, the newest first.
type OfKey = (String, Vec<Version>);

async fn sweep_versions(objects: &Arc<Objects>, bucket: &Bucket, rules: &[LifecycleRule]) -> Result<(), Error> {
    let mut from = bucket.number.to_be_bytes().to_vec();
    let end = after_all(&from);
    loop {
        // Keys are looked at whole, so a batch ends where its last key does.
        let start = from.clone();
        let first = objects
            .look(|state| Ok(state.scan(keys::VERSION, Bound::Included(&start), Bound::Excluded(&end), BATCH)?))?;
        let Some((last, _)) = first.last() else { return Ok(()) };
        let next = after_all(&keys::of_key(bucket, &keys::key_of(last)));
        let (name, rules, random) = (bucket.name.clone(), rules.to_vec(), lookup::random(&*objects.clock));
        let (deliver, until) = (objects.deliver.clone(), next.clone());
        objects
            .change(move |tx: &mut Tx<'_>| {
                let Some(bucket) = bucket::lookup(tx, &name)? else { return Ok(()) };
                let found = tx.scan(keys::VERSION, Bound::Included(&start), Bound::Excluded(&until), usize::MAX)?;
                let mut of_keys: Vec<OfKey> = Vec::new();
                for (place, bytes) in found {
                    let (key, version) = (keys::key_of(&place), lookup::decode(&bytes)?);
                    match of_keys.last_mut() {
                        Some((last, versions)) if *last == key => versions.push(version),
                        _ => of_keys.push((key, vec![version])),
                    }
                }
                for (key, versions) in of_keys {
                    for (event, version) in expire(tx, &bucket, &rules, &key, &versions, &random)? {
                        let number = crate::number(tx)?;
                        let told = Version { number, modified: tx.now(), ..version };
                        let event = Event { name: event, key: &key, version: &told };
                        notify::notify(tx, &*deliver, &bucket, &cause(&bucket), &event)?;
                    }
                }
                Ok(())
            })
            .await?;
        from = next;
    }
}

/// Removes what the rules say of one key; returns what there is to tell.
fn expire(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    rules: &[LifecycleRule],
    key: &str,
    versions: &[Version],
    random: &[u8; 16],
) -> Result<Vec<(&'static str, Version)>, Error> {
    let now = tx.now();
    let mut told = Vec::new();
    let mut left = versions.len();
    for (at, pair) in versions.windows(2).enumerate() {
        let [newer, version] = pair else { continue };
        let is_over = |rule: &&LifecycleRule| {
            let Some(old) = &rule.noncurrent_version_expiration else { return false };
            let kept = usize::try_from(old.newer_noncurrent_versions.unwrap_or_default()).unwrap_or_default();
            let days = old.noncurrent_days.unwrap_or_default();
            at >= kept && after_days(newer.modified, days) <= now
        };
        let is_meant = rules.iter().filter(|rule| covers(rule, key, Some(version))).any(|rule| is_over(&rule));
        if is_meant && lock::check(tx, bucket, version, false).is_ok() {
            erase(tx, bucket, key, version)?;
            left -= 1;
            told.push(("LifecycleExpiration:Delete", version.clone()));
        }
    }
    let Some(current) = versions.first() else { return Ok(told) };
    let mut meant = rules.iter().filter(|rule| covers(rule, key, Some(current)));
    if current.marker {
        let removes_marker = |rule: &LifecycleRule| {
            let of_markers = rule.expiration.as_ref().and_then(|it| it.expired_object_delete_marker) == Some(true);
            of_markers || expiry(rule, current).is_some_and(|at| at <= now)
        };
        if left == 1 && meant.any(removes_marker) {
            erase(tx, bucket, key, current)?;
            told.push(("LifecycleExpiration:Delete", current.clone()));
        }
        return Ok(told);
    }
    if meant.any(|rule| expiry(rule, current).is_some_and(|at| at <= now)) {
        let by = Remover { owner: bucket.owner.clone(), bypass: false, random: *random };
        match remove::remove(tx, bucket, key, None, &by)? {
            remove::Removed::Nothing => {}
            remove::Removed::Version(version) => told.push(("LifecycleExpiration:Delete", version)),
            remove::Removed::Marked(marker) => told.push(("LifecycleExpiration:DeleteMarkerCreated", marker)),
        }
        debug_assert!(
            bucket.versioning != Versioning::Never || left == 1,
            "a bucket without versions has one of each key"
        );
    }
    Ok(told)
}

async fn sweep_uploads(objects: &Arc<Objects>, bucket: &Bucket, rules: &[LifecycleRule]) -> Result<(), Error> {
    let days =
        |rule: &LifecycleRule| rule.abort_incomplete_multipart_upload.as_ref().and_then(|it| it.days_after_initiation);
    if rules.iter().all(|rule| days(rule).is_none()) {
        return Ok(());
    }
    let uploads: Vec<(Vec<u8>, Upload)> =
        objects.look(|state| Ok(state.load_prefix(keys::UPLOAD, &bucket.number.to_be_bytes())?))?;
    let now = objects.clock.now();
    for (place, upload) in uploads {
        let key = keys::key_of(&place);
        let is_over = |rule: &LifecycleRule| {
            covers(rule, &key, None) && days(rule).is_some_and(|days| after_days(upload.initiated, days) <= now)
        };
        if rules.iter().any(is_over) {
            objects.change(move |tx: &mut Tx<'_>| Ok(upload::forget(tx, &place)?)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_the_midnight_that_follows() {
        assert_eq!(after_days(Timestamp(5), 1), Timestamp(2 * DAY));
        assert_eq!(after_days(Timestamp(DAY), 1), Timestamp(2 * DAY));
    }
}
