//! Tables over a real store, with a clock that the tests own.
#![allow(clippy::unwrap_used)]

mod histories;

use super::*;
use crate::schema::{TableKey, View};
use fogbank_delivery::{Delivery, Undelivered};
use fogbank_model::{Arn, TestClock, Timestamp};
use fogbank_store::{Error as StoreError, Tx};

const NOW: i64 = 1_777_890_030_123;

/// There is nobody to deliver to.
pub(crate) struct Nobody;

impl Deliver for Nobody {
    fn deliver(&self, _: &mut Tx<'_>, target: &Arn, _: &Delivery) -> Result<(), Undelivered> {
        Err(Undelivered::NoTarget(target.to_string()))
    }

    fn exists(&self, _: &Tx<'_>, _: &Arn) -> Result<bool, StoreError> {
        Ok(false)
    }
}

struct Bench {
    tables: Arc<Tables>,
    clock: Arc<TestClock>,
    home: tempfile::TempDir,
}

impl Bench {
    async fn on(home: tempfile::TempDir, clock: Arc<TestClock>) -> Self {
        let store = loop {
            // Whoever had it open before may not be gone yet.
            match Store::open(home.path(), clock.clone()) {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            }
        };
        Self { tables: Tables::open(&store, clock.clone(), Arc::new(Nobody)), clock, home }
    }

    async fn reopened(self) -> Self {
        let Self { tables, clock, home } = self;
        drop(tables);
        Self::on(home, clock).await
    }
}

fn key(name: &str) -> TableKey {
    TableKey { account: "123456789012".parse().unwrap(), region: "us-east-1".parse().unwrap(), name: name.into() }
}
