//! A template's `Rules`: what must hold of its parameters before anything is made.

use crate::condition::Evaluation;
use crate::problem::Problem;
use crate::tree::{Key, Node};

/// Checks every rule whose condition holds.
///
/// # Errors
/// Every assertion that does not hold, with its description, and every rule that is not well-formed.
pub(crate) fn check(rules: &[(Key, Node)], evaluation: &mut Evaluation<'_>) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for (key, rule) in rules {
        if let Err(problem) = check_one(key, rule, evaluation, &mut problems) {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn check_one(
    key: &Key,
    rule: &Node,
    evaluation: &mut Evaluation<'_>,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    for (part, _) in rule.expect_map(&format!("the rule {}", key.text))? {
        if !matches!(part.text.as_str(), "RuleCondition" | "Assertions") {
            return Err(Problem::at(part.at, format!("a rule has no '{}'", part.text)));
        }
    }
    let applies = rule.get("RuleCondition").map(|condition| evaluation.truth(condition)).transpose()?;
    if applies == Some(false) {
        return Ok(());
    }
    let assertions = rule.get("Assertions");
    let assertions =
        assertions.ok_or_else(|| Problem::at(key.at, format!("the rule {} has no Assertions", key.text)))?;
    for assertion in assertions.expect_list("Assertions")? {
        let assert = assertion.get("Assert").ok_or_else(|| Problem::at(assertion.at, "an assertion needs Assert"))?;
        if !evaluation.truth(assert)? {
            let description = assertion.get("AssertDescription").and_then(Node::as_text);
            let text =
                format!("the rule {} does not hold: {}", key.text, description.unwrap_or("it has no description"));
            problems.push(Problem::at(assertion.at, text));
        }
    }
    Ok(())
}
