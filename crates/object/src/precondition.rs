//! Conditions of reads and writes (RFC 9110, 13, as far as S3 follows it).

use crate::Error;
use crate::model::Version;
use fogbank_model::Timestamp;
use s3s::dto::ETagCondition;

/// The conditions of a read. Times are whole seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub matches: Option<ETagCondition>,
    pub none_matches: Option<ETagCondition>,
    pub modified_since: Option<Timestamp>,
    pub unmodified_since: Option<Timestamp>,
}

fn fits(condition: &ETagCondition, etag: &str) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.value() == etag)
}

/// HTTP's times have no fraction.
fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1000)
}

impl Conditions {
    /// Which header does not hold for `version`, and whether what the client has is still current.
    fn failed(&self, version: &Version) -> Option<(&'static str, bool)> {
        let modified = seconds(version.modified);
        match &self.matches {
            Some(condition) if !fits(condition, &version.etag) => return Some(("If-Match", false)),
            Some(_) => {}
            None if self.unmodified_since.is_some_and(|time| modified > seconds(time)) => {
                return Some(("If-Unmodified-Since", false));
            }
            None => {}
        }
        match &self.none_matches {
            Some(condition) if fits(condition, &version.etag) => Some(("If-None-Match", true)),
            Some(_) => None,
            None => {
                self.modified_since.is_some_and(|time| modified <= seconds(time)).then_some(("If-Modified-Since", true))
            }
        }
    }

    /// Whether a client may read `version`.
    pub fn check(&self, version: &Version) -> Result<(), Error> {
        match self.failed(version) {
            None => Ok(()),
            Some((_, true)) => Err(Error::NotModified { etag: version.etag.clone(), modified: version.modified }),
            Some((name, false)) => Err(Error::Precondition(name)),
        }
    }

    /// Whether `version` may be copied.
    pub fn check_copy(&self, version: &Version) -> Result<(), Error> {
        match self.failed(version) {
            None => Ok(()),
            Some((name, _)) => Err(Error::Precondition(match name {
                "If-Match" => "x-amz-copy-source-If-Match",
                "If-None-Match" => "x-amz-copy-source-If-None-Match",
                "If-Modified-Since" => "x-amz-copy-source-If-Modified-Since",
                _ => "x-amz-copy-source-If-Unmodified-Since",
            })),
        }
    }
}

/// The conditions of a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteConditions {
    pub matches: Option<ETagCondition>,
    pub none_matches: Option<ETagCondition>,
}

impl WriteConditions {
    /// What S3 does not take: the only ETag that must not be there is every one.
    pub fn validate(&self) -> Result<(), Error> {
        match &self.none_matches {
            Some(condition) if !condition.is_any() => Err(Error::NotImplemented("If-None-Match")),
            _ => Ok(()),
        }
    }

    /// Whether the object whose current version is `current` may be overwritten.
    pub fn check(&self, key: &str, current: Option<&Version>) -> Result<(), Error> {
        let current = current.filter(|version| !version.marker);
        if self.none_matches.is_some() && current.is_some() {
            return Err(Error::Precondition("If-None-Match"));
        }
        match (&self.matches, current) {
            (Some(_), None) => Err(Error::NoKey { key: key.to_owned(), marker: None }),
            (Some(condition), Some(current)) if !fits(condition, &current.etag) => Err(Error::Precondition("If-Match")),
            _ => Ok(()),
        }
    }
}
