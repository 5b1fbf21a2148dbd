//! What a mapping is and may be: "Event source mappings" and "Using Lambda with Amazon SQS" in the Lambda Developer Guide. What only streams have is in `stream/settings.rs`.

use super::Facts;
use super::queue::QueueFacts;
use super::stream::{BATCH as STREAM_BATCH, LARGEST_BATCH as LARGEST_STREAM_BATCH, StreamSettings, StreamWish};
use crate::Error;
use crate::limits::within;
use crate::model::{FunctionKey, Scope};
use crate::tag::check_tags;
use fogbank_expressions::Pattern;
use fogbank_model::{Arn, FunctionRef, Qualifier, Timestamp};
use serde::{Deserialize, Serialize};

/// Messages in one batch, where nothing is said.
const BATCH: u32 = 10;
/// The largest batch of a standard queue.
const LARGEST_BATCH: u32 = 10_000;
/// Seconds to wait for a batch to fill.
const WINDOW_S: (u32, u32) = (0, 300);
/// Filters of one mapping.
const FILTERS: usize = 5;
/// Calls of one mapping at once.
const CONCURRENCY: (u32, u32) = (2, 1000);

/// An event source mapping.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mapping {
    /// Its id, a UUID.
    pub id: String,
    /// The account and region that it lives in.
    pub scope: Scope,
    /// What events come from.
    pub source: Arn,
    /// What is called.
    #[serde(with = "function_arn")]
    pub function: FunctionRef,
    /// Whether it runs.
    pub enabled: bool,
    /// Messages per call at most.
    pub batch: u32,
    /// Seconds to wait for a batch to fill.
    pub window_s: u32,
    /// Event patterns, one of which a message must match; all match if there are none.
    pub filters: Vec<String>,
    /// Whether the function may report single messages as failed.
    pub reports_items: bool,
    /// Calls at once at most.
    pub concurrency: Option<u32>,
    /// What only a stream's mapping has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSettings>,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Counts its changes.
    pub revision: u64,
    /// Tags.
    #[serde(default)]
    pub tags: std::collections::BTreeMap<String, String>,
}

/// What is wished of a mapping; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Whether it runs.
    pub enabled: Option<bool>,
    /// Messages per call at most.
    pub batch: Option<u32>,
    /// Seconds to wait for a batch to fill.
    pub window_s: Option<u32>,
    /// Event patterns.
    pub filters: Option<Vec<String>>,
    /// Whether the function may report single messages as failed.
    pub reports_items: Option<bool>,
    /// Calls at once at most; `Some(None)` takes the limit away.
    pub concurrency: Option<Option<u32>>,
    /// What only a stream's mapping has.
    pub stream: StreamWish,
    /// Tags.
    pub tags: Option<std::collections::BTreeMap<String, String>>,
}

/// What an update asks for.
#[derive(Debug, Clone, Default)]
pub struct MappingChange {
    /// Another function.
    pub function: Option<FunctionRef>,
    /// The rest.
    pub wish: Wish,
}

impl Mapping {
    /// A mapping of a queue, or with `stream` of a stream, where nothing is wished.
    pub(super) fn new(
        id: String,
        source: Arn,
        function: FunctionRef,
        stream: Option<StreamSettings>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            scope: FunctionKey::of(&function).scope,
            source,
            function,
            enabled: true,
            batch: if stream.is_some() { STREAM_BATCH } else { BATCH },
            window_s: 0,
            filters: Vec::new(),
            reports_items: false,
            concurrency: None,
            stream,
            modified: now,
            revision: 0,
            tags: std::collections::BTreeMap::new(),
        }
    }

    /// This mapping as `wish` says, if it may be so for a source of which `facts` hold and a function with a time limit of `timeout_s`.
    pub(super) fn with(self, wish: Wish, facts: &Facts, timeout_s: u32, now: Timestamp) -> Result<Self, Error> {
        let mapping = Self {
            enabled: wish.enabled.unwrap_or(self.enabled),
            batch: wish.batch.unwrap_or(self.batch),
            window_s: wish.window_s.unwrap_or(self.window_s),
            filters: wish.filters.unwrap_or(self.filters),
            reports_items: wish.reports_items.unwrap_or(self.reports_items),
            concurrency: wish.concurrency.unwrap_or(self.concurrency),
            stream: self.stream.map(|stream| stream.with(wish.stream)).transpose()?,
            tags: wish.tags.unwrap_or(self.tags),
            modified: now,
            revision: self.revision + 1,
            ..self
        };
        mapping.check(facts, timeout_s)?;
        Ok(mapping)
    }

    fn check(&self, facts: &Facts, timeout_s: u32) -> Result<(), Error> {
        within("maximumBatchingWindowInSeconds", self.window_s, WINDOW_S)?;
        match facts {
            Facts::Queue(facts) => self.check_queue(facts, timeout_s)?,
            Facts::Stream => self.check_batch(LARGEST_STREAM_BATCH)?,
        }
        check_tags(&self.tags)?;
        self.patterns().map(drop)
    }

    fn check_batch(&self, largest: u32) -> Result<(), Error> {
        if !(1..=largest).contains(&self.batch) {
            return Err(Error::invalid(format!(
                "Batch size must be between 1 and {largest} for the event source {}.",
                self.source
            )));
        }
        Ok(())
    }

    fn check_queue(&self, facts: &QueueFacts, timeout_s: u32) -> Result<(), Error> {
        self.check_batch(if facts.is_fifo { BATCH } else { LARGEST_BATCH })?;
        if facts.is_fifo && self.window_s > 0 {
            return Err(Error::invalid("Batching window is not supported for FIFO queues"));
        }
        if self.batch > BATCH && self.window_s == 0 {
            return Err(Error::invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
            ));
        }
        if let Some(concurrency) = self.concurrency {
            within("scalingConfig.maximumConcurrency", concurrency, CONCURRENCY)?;
        }
        if facts.visibility_s < u64::from(timeout_s) {
            return Err(Error::invalid(format!(
                "Queue visibility timeout: {} seconds is less than Function timeout: {timeout_s} seconds",
                facts.visibility_s
            )));
        }
        Ok(())
    }

    /// The filters, read.
    pub(super) fn patterns(&self) -> Result<Vec<Pattern>, Error> {
        if self.filters.len() > FILTERS {
            return Err(Error::invalid(format!("The maximum number of filters is {FILTERS}.")));
        }
        let read =
            |text: &String| Pattern::parse(text).map_err(|_| Error::invalid("Invalid filter pattern definition."));
        self.filters.iter().map(read).collect()
    }

    /// `arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:ID`
    pub fn arn(&self) -> Arn {
        Arn::new("lambda", &self.scope.region, &self.scope.account, &format!("event-source-mapping:{}", self.id))
    }

    /// The function's ARN, with the qualifier if there is one.
    pub fn function_arn(&self) -> Arn {
        // An unqualified function is shown without `$LATEST`.
        let qualifier = self.function.qualifier.clone().filter(|qualifier| *qualifier != Qualifier::Latest);
        FunctionRef { qualifier, ..self.function.clone() }.arn()
    }
}

/// A function is kept as its ARN.
mod function_arn {
    use super::FunctionRef;
    use crate::asynchronous::function_of;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(function: &FunctionRef, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(function.arn().as_str())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<FunctionRef, D::Error> {
        let text = String::deserialize(from)?;
        let arn = text.parse().map_err(D::Error::custom)?;
        function_of(&arn).ok_or_else(|| D::Error::custom("not a function's ARN"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mapping() -> Mapping {
        let arn: Arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live".parse().unwrap();
        let function = crate::asynchronous::function_of(&arn).unwrap();
        Mapping::new("id".into(), "arn:aws:sqs:eu-west-1:123456789012:q".parse().unwrap(), function, None, Timestamp(1))
    }

    fn wish(batch: u32, window_s: u32) -> Wish {
        Wish { batch: Some(batch), window_s: Some(window_s), ..Wish::default() }
    }

    #[test]
    fn what_is_not_wished_stays_and_what_cannot_be_is_refused() {
        let queue = |is_fifo| Facts::Queue(QueueFacts { is_fifo, visibility_s: 30 });
        let (standard, fifo) = (queue(false), queue(true));
        let large = mapping().with(wish(10_000, 5), &standard, 3, Timestamp(2)).unwrap();
        assert_eq!((large.batch, large.window_s, large.revision, large.enabled), (10_000, 5, 1, true));
        let off = large.with(Wish { enabled: Some(false), ..Wish::default() }, &standard, 3, Timestamp(3)).unwrap();
        assert_eq!((off.batch, off.revision, off.enabled), (10_000, 2, false));
        let refused = [
            (wish(0, 0), standard, 3),
            (wish(10_001, 1), standard, 3),
            (wish(11, 0), standard, 3),
            (wish(11, 1), fifo, 3),
            (wish(10, 1), fifo, 3),
            (wish(10, 301), standard, 3),
            (wish(10, 0), standard, 31),
            (Wish { concurrency: Some(Some(1)), ..Wish::default() }, standard, 3),
            (Wish { filters: Some(vec!["{".into()]), ..Wish::default() }, standard, 3),
            (Wish { filters: Some(vec![r#"{"a":[1]}"#.into(); 6]), ..Wish::default() }, standard, 3),
        ];
        for (number, (wish, facts, timeout_s)) in refused.into_iter().enumerate() {
            assert!(mapping().with(wish, &facts, timeout_s, Timestamp(2)).is_err(), "case {number}");
        }
    }

    #[test]
    fn a_mapping_is_read_back_as_it_was_kept() {
        let kept = serde_json::to_string(&mapping()).unwrap();
        let back: Mapping = serde_json::from_str(&kept).unwrap();
        assert_eq!(back.function, mapping().function);
        assert_eq!(serde_json::to_string(&back).unwrap(), kept);
    }
}
