//! What is configured of buckets.

use super::table::Call;
use crate::Error;
use crate::configuration::{self, kind};
use crate::model::{Bucket, Encryption, Head};
use s3s::dto::*;

/// Gives an object that names no encryption its bucket's.
pub(super) fn default_encryption(call: &Call, bucket: &Bucket, head: &mut Head) -> Result<(), Error> {
    if head.encryption != Encryption::default() {
        return Ok(());
    }
    let configured: Option<ServerSideEncryptionConfiguration> =
        call.objects.look(|state| Ok(configuration::get(state, bucket, kind::ENCRYPTION)?))?;
    let Some(rule) = configured.and_then(|configured| configured.rules.into_iter().next()) else { return Ok(()) };
    head.encryption.bucket_key = rule.bucket_key_enabled.filter(|enabled| *enabled);
    if let Some(default) = rule.apply_server_side_encryption_by_default {
        let name = default.sse_algorithm.as_str();
        head.encryption.algorithm = (name != "AES256").then(|| name.to_owned());
        head.encryption.key = default.kms_master_key_id;
    }
    Ok(())
}
