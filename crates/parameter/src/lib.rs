//! Parameters, as Systems Manager's Parameter Store has them: texts with names that form paths, and the versions that they had.
//!
//! Texts are kept as they are: there are no `SecureString`s, since nothing here encrypts them. The API in `ssm/` is the only place that knows the
//! wire.
//!
//! Tables: `parameter.current` = account, region, name -> [`Parameter`]; `parameter.version` = the same and the version's number -> [`Version`].

mod error;
mod find;
mod model;
mod names;
mod put;
pub mod ssm;

pub use error::Error;
pub use model::{Key, Parameter, Version, Wish};

use fogbank_model::Clock;
use fogbank_store::{Store, Table};
use std::sync::Arc;

const CURRENT: Table = Table("parameter.current");
const VERSION: Table = Table("parameter.version");

/// How many versions of a parameter are kept.
const VERSIONS: u64 = 100;

/// All parameters of the platform.
pub struct Parameters {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Parameters {
    /// The parameters that are in `store`.
    pub fn open(store: &Store, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { store: store.clone(), clock })
    }
}
