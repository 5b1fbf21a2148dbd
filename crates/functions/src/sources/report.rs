//! What a function's answer says about the records of its batch: "Reporting batch item failures" in the Lambda Developer Guide.

use serde::Deserialize;
use std::collections::BTreeSet;

/// What is to be done with the records of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All are done.
    Done,
    /// Those with these ids failed, the others are done.
    Failed(BTreeSet<String>),
    /// All failed.
    AllFailed,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "batchItemFailures", default)]
    failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "itemIdentifier")]
    id: Option<String>,
}

/// Reads the answer to a batch of the records `ids`. As on AWS no answer, an empty one and an empty or missing list are a success; a list that names
/// nothing, or something that was not in the batch, fails the whole batch.
pub(super) fn read(answer: &[u8], ids: &[&str]) -> Verdict {
    if answer.is_empty() || answer == b"null" {
        return Verdict::Done;
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
        // What is no object says nothing about items.
        let is_json = serde_json::from_slice::<serde_json::Value>(answer);
        return if is_json.is_ok_and(|value| !value.is_object()) { Verdict::Done } else { Verdict::AllFailed };
    };
    let Some(failures) = answer.failures.filter(|failures| !failures.is_empty()) else { return Verdict::Done };
    let named: Option<BTreeSet<String>> =
        failures.into_iter().map(|failure| failure.id.filter(|id| ids.contains(&id.as_str()))).collect();
    named.map_or(Verdict::AllFailed, Verdict::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_guide_says() {
        let failed = |ids: &[&str]| Verdict::Failed(ids.iter().map(|id| (*id).to_owned()).collect());
        let cases = [
            ("", Verdict::Done),
            ("null", Verdict::Done),
            ("{}", Verdict::Done),
            (r#""done""#, Verdict::Done),
            (r#"{"batchItemFailures":[]}"#, Verdict::Done),
            (r#"{"batchItemFailures":null}"#, Verdict::Done),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, failed(&["b"])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#, failed(&["a", "b"])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#, Verdict::AllFailed),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, Verdict::AllFailed),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, Verdict::AllFailed),
            (r#"{"batchItemFailures":[{"wrong":"a"}]}"#, Verdict::AllFailed),
            (r#"{"batchItemFailures":7}"#, Verdict::AllFailed),
        ];
        for (answer, expected) in cases {
            assert_eq!(read(answer.as_bytes(), &["a", "b"]), expected, "{answer}");
        }
    }
}
