//! What one `UpdateTable` may ask for together. Nearly everything is to be asked for on its own, whatever the table is.

use crate::Error;
use crate::update::{IndexWish, Wish};
use std::collections::BTreeSet;

const NOTHING: &str = "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, \
     ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, \
     OnDemandThroughput, WarmThroughput or TableClass is required";

/// Checks what is asked for, before anybody looks at the table.
pub(crate) fn check(wish: &Wish) -> Result<(), Error> {
    if wish.is_empty() {
        return Err(Error::validation(NOTHING));
    }
    check_index_names(wish)?;
    check_alone(wish)?;
    check_request_units(wish)?;
    check_warm(wish)?;
    check_units(wish)?;
    check_mode(wish)
}

fn check_index_names(wish: &Wish) -> Result<(), Error> {
    let mut named = BTreeSet::new();
    match wish.indexes.iter().map(IndexWish::name).find(|name| !named.insert(*name)) {
        Some(twice) => Err(Error::parameter(format!(
            "Only one global secondary index update per index is allowed simultaneously. Index: {twice}"
        ))),
        None => Ok(()),
    }
}

/// What goes with nothing else; of several it is the first that is named.
fn check_alone(wish: &Wish) -> Result<(), Error> {
    let rest = || wish.clone();
    let alone = [
        ("Server-Side Encryption", wish.encryption.is_some(), Wish { encryption: None, ..rest() }),
        ("TableClass", wish.class.is_some(), Wish { class: None, ..rest() }),
        ("DeletionProtection", wish.is_protected.is_some(), Wish { is_protected: None, ..rest() }),
    ];
    match alone.iter().find(|(_, is_asked, rest)| *is_asked && !rest.is_empty()) {
        Some((what, ..)) => {
            Err(Error::parameter(format!("{what} modification must be the only operation in the request")))
        }
        None => Ok(()),
    }
}

fn check_request_units(wish: &Wish) -> Result<(), Error> {
    let with_mode = wish.throughput.filter(|_| wish.billing.is_none());
    let rest = Wish { on_demand: None, billing: None, throughput: with_mode, ..wish.clone() };
    let rest = Wish { indexes: comings_and_goings(wish), ..rest };
    match wish.on_demand.is_some() && !rest.is_empty() {
        true => {
            Err(Error::parameter("OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"))
        }
        false => Ok(()),
    }
}

fn check_warm(wish: &Wish) -> Result<(), Error> {
    if wish.warm.is_none() {
        return Ok(());
    }
    if wish.indexes.iter().any(|one| matches!(one, IndexWish::Create(_))) {
        return Err(Error::parameter("Create global secondary index cannot be specified when updating WarmThroughput"));
    }
    let rest = Wish { warm: None, indexes: comings_and_goings(wish), ..wish.clone() };
    match rest.is_empty() {
        true => Ok(()),
        false => Err(Error::parameter("WarmThroughput must be the only operation in the request")),
    }
}

/// Neither streams nor indexes come and go together with new units, nor with each other.
fn check_units(wish: &Wish) -> Result<(), Error> {
    let has_units = wish.throughput.is_some() || wish.billing.as_deref() == Some("PROVISIONED");
    let changes_indexes = wish.indexes.iter().any(IndexWish::is_move);
    let what = match (wish.stream.is_some(), changes_indexes) {
        (true, _) if has_units => "You cannot modify stream status while updating table IOPS",
        (_, true) if has_units => "You cannot create or delete index while updating table IOPS",
        (true, true) => "You cannot create or delete index while changing stream status",
        _ => return Ok(()),
    };
    Err(Error::parameter(what))
}

fn check_mode(wish: &Wish) -> Result<(), Error> {
    match (wish.billing.as_deref(), wish.throughput) {
        (Some("PROVISIONED"), None) => {
            Err(Error::parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED"))
        }
        (Some("PAY_PER_REQUEST"), Some(_)) => {
            Err(Error::parameter("ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST"))
        }
        _ => Ok(()),
    }
}

fn comings_and_goings(wish: &Wish) -> Vec<IndexWish> {
    wish.indexes.iter().filter(|one| one.is_move()).cloned().collect()
}
