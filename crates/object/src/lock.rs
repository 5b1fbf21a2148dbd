//! Object lock: versions that must not be removed yet.

use crate::Error;
use crate::model::{Bucket, Retention, Version};
use fogbank_model::Timestamp;
use fogbank_store::Tx;

/// Whether a version may be removed now.
pub(crate) fn check(tx: &Tx<'_>, bucket: &Bucket, version: &Version, bypass: bool) -> Result<(), Error> {
    if !bucket.object_lock || version.marker {
        return Ok(());
    }
    let held = version.hold == Some(true);
    match held || version.retention.as_ref().is_some_and(|retention| protects(retention, tx.now(), bypass)) {
        true => Err(Error::Locked),
        false => Ok(()),
    }
}

fn protects(retention: &Retention, now: Timestamp, bypass: bool) -> bool {
    retention.until > now && !(bypass && retention.mode == "GOVERNANCE")
}

/// Whether a version's retention may become `wanted`. It may be prolonged by everybody.
pub(crate) fn may_change(version: &Version, wanted: Option<&Retention>, now: Timestamp, bypass: bool) -> bool {
    let Some(current) = version.retention.as_ref().filter(|current| protects(current, now, bypass)) else {
        return true;
    };
    let keeps_mode = |wanted: &&Retention| wanted.mode == current.mode || current.mode == "GOVERNANCE";
    wanted.filter(keeps_mode).is_some_and(|wanted| wanted.until >= current.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn governance_can_be_bypassed_and_compliance_cannot() {
        let retention = |mode: &str| Retention { mode: mode.into(), until: Timestamp(10) };
        assert!(protects(&retention("GOVERNANCE"), Timestamp(5), false));
        assert!(!protects(&retention("GOVERNANCE"), Timestamp(5), true));
        assert!(protects(&retention("COMPLIANCE"), Timestamp(5), true));
        assert!(!protects(&retention("COMPLIANCE"), Timestamp(10), false));
    }
}
