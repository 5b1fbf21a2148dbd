//! Rules that remove what is old.

use crate::model::{Bucket, Version};
use crate::{Objects, s3};
use std::sync::Weak;

/// Sweeps all buckets now and then.
pub(crate) async fn work(objects: Weak<Objects>) {
    let _ = objects;
}

pub(crate) fn expiration<C>(_: &C, _: &Bucket, _: &str, _: &Version) -> Option<String> {
    let _ = s3::iso;
    None
}
