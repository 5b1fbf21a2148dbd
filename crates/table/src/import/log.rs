//! What an import says of the items that it left out ("Import format quotas and validation" in the Developer Guide).

use super::Import;
use crate::Error;
use fogbank_model::{AccountId, BoxFuture, Region};
use serde::Serialize;

/// How many items an import tells of; it goes on without a word after that, as on AWS.
const MOST: usize = 10_000;

/// Takes what imports say. The composition root says where it goes.
pub trait ImportLog: Send + Sync + 'static {
    /// Appends `lines` to the stream `stream` of the log group of imports, which is made if it is not there.
    ///
    /// # Errors
    /// Why it could not, in words.
    fn append<'a>(
        &'a self,
        account: &'a AccountId,
        region: &'a Region,
        stream: &'a str,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// The log group of all imports.
pub const GROUP: &str = "/aws-dynamodb/imports";

/// Lines of one import.
pub(super) struct LeftOut {
    bucket: String,
    import: String,
    lines: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(rename = "itemS3Pointer")]
    place: Place<'a>,
    import_arn: &'a str,
    error_messages: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'a> {
    bucket: &'a str,
    key: &'a str,
    item_index: u64,
}

impl LeftOut {
    pub fn of(import: &Import) -> Self {
        Self { bucket: import.source.bucket.clone(), import: import.arn(), lines: Vec::new() }
    }

    /// Tells of the item number `index`, from zero, of the object `key`.
    pub fn note(&mut self, key: &str, index: u64, why: &Error) {
        if self.lines.len() < MOST {
            let place = Place { bucket: &self.bucket, key, item_index: index };
            let line = Line { place, import_arn: &self.import, error_messages: [why.to_string()] };
            self.lines.extend(serde_json::to_string(&line));
        }
    }

    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
