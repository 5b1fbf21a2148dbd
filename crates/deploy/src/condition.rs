//! A template's `Conditions`, each decided once before anything else is looked at.

use crate::expression::Scope;
use crate::problem::{Position, Problem};
use crate::tree::Node;
use std::collections::{BTreeMap, BTreeSet};

/// Decides every declared condition. `scope` needs parameters, pseudo parameters and mappings only: conditions cannot refer to
/// resources.
///
/// # Errors
/// Every condition that is not well-formed, names what is not declared, or leads back to itself; every rule that does not hold.
pub fn evaluate(scope: &Scope<'_>) -> Result<BTreeMap<String, bool>, Vec<Problem>> {
    let mut evaluation = Evaluation { scope, held: BTreeMap::new(), open: BTreeSet::new() };
    crate::rules::check(&scope.template.rules, &mut evaluation)?;
    let mut problems = Vec::new();
    for (key, _) in &scope.template.conditions {
        problems.extend(evaluation.condition(&key.text, key.at).err());
    }
    problems.dedup();
    if problems.is_empty() { Ok(evaluation.held) } else { Err(problems) }
}

pub(crate) struct Evaluation<'a> {
    scope: &'a Scope<'a>,
    held: BTreeMap<String, bool>,
    open: BTreeSet<String>,
}

impl Evaluation<'_> {
    fn condition(&mut self, name: &str, at: Position) -> Result<bool, Problem> {
        if let Some(held) = self.held.get(name) {
            return Ok(*held);
        }
        if !self.open.insert(name.to_owned()) {
            return Err(Problem::at(at, format!("the condition '{name}' leads back to itself")));
        }
        let declared = self.scope.template.conditions.iter().find(|(key, _)| key.text == name);
        let (_, node) =
            declared.ok_or_else(|| Problem::at(at, format!("the condition '{name}' is not declared in Conditions")))?;
        let held = self.truth(node)?;
        self.open.remove(name);
        self.held.insert(name.to_owned(), held);
        Ok(held)
    }

    /// Whether the condition at `node` holds.
    pub fn truth(&mut self, node: &Node) -> Result<bool, Problem> {
        let [(key, argument)] = node.entries() else {
            return Err(Problem::at(
                node.at,
                "a condition is one of Fn::Equals, Fn::And, Fn::Or, Fn::Not and Condition, or in a rule one of Fn::Contains, Fn::EachMemberEquals and Fn::EachMemberIn",
            ));
        };
        match key.text.as_str() {
            "Condition" => self.condition(argument.expect_text("Condition")?, argument.at),
            "Fn::And" => Ok(!self.each(&key.text, argument, 2..=10)?.contains(&false)),
            "Fn::Or" => Ok(self.each(&key.text, argument, 2..=10)?.contains(&true)),
            "Fn::Not" => Ok(self.each(&key.text, argument, 1..=1)? == [false]),
            "Fn::Equals" => match argument.items() {
                [left, right] => Ok(self.comparable(left)? == self.comparable(right)?),
                _ => Err(Problem::at(argument.at, "Fn::Equals takes two values")),
            },
            "Fn::Contains" => self.of_lists(&key.text, argument, |list, value| list.contains(value)),
            "Fn::EachMemberEquals" => {
                self.of_lists(&key.text, argument, |list, value| list.iter().all(|item| item == value))
            }
            "Fn::EachMemberIn" => self.of_lists(&key.text, argument, |list, value| {
                let among = value.as_array().map_or(&[][..], Vec::as_slice);
                list.iter().all(|item| among.contains(item))
            }),
            other => Err(Problem::at(key.at, format!("{other} is no condition"))),
        }
    }

    /// What rules ask of a list and a second value.
    fn of_lists(
        &self,
        function: &str,
        argument: &Node,
        holds: impl Fn(&[serde_json::Value], &serde_json::Value) -> bool,
    ) -> Result<bool, Problem> {
        let [list, value] = argument.items() else {
            return Err(Problem::at(argument.at, format!("{function} takes a list and a second value")));
        };
        match self.comparable(list)? {
            serde_json::Value::Array(items) => Ok(holds(&items, &self.comparable(value)?)),
            _ => Err(Problem::at(list.at, format!("{function} takes a list"))),
        }
    }

    fn each(
        &mut self,
        function: &str,
        argument: &Node,
        count: std::ops::RangeInclusive<usize>,
    ) -> Result<Vec<bool>, Problem> {
        let items = argument.expect_list(function)?;
        if !count.contains(&items.len()) {
            let (least, most) = count.into_inner();
            return Err(Problem::at(argument.at, format!("{function} takes {least} to {most} conditions")));
        }
        items.iter().map(|item| self.truth(item)).collect()
    }

    /// Scalars compare by their text, as CloudFormation compares them.
    fn comparable(&self, node: &Node) -> Result<serde_json::Value, Problem> {
        let resolved = self.scope.resolve(node)?;
        let json = |node: Node| node.as_text().map_or_else(|| node.to_json(), serde_json::Value::from);
        Ok(resolved.map_or(serde_json::Value::Null, json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Pseudo;
    use crate::template::Template;

    fn evaluate_text(conditions: &str) -> Result<BTreeMap<String, bool>, Vec<Problem>> {
        let text = format!("Resources: {{R: {{Type: T}}}}\nConditions:\n{conditions}");
        let template = Template::read(&crate::tree::parse(&text).unwrap()).unwrap();
        let parameters = BTreeMap::from([("P".to_owned(), Node::text(Position::default(), "1"))]);
        let text = str::to_owned;
        let pseudo = Pseudo { account: text("1"), region: text("eu"), stack_name: text("st"), stack_id: text("id") };
        let (deployed, exports, conditions) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (template, parameters, pseudo, deployed) = (&template, &parameters, &pseudo, &deployed);
        evaluate(&Scope { template, parameters, pseudo, deployed, exports: &exports, conditions: &conditions })
    }

    #[test]
    fn rules_hold_of_lists_or_say_what_they_ask_for() {
        for (assert, holds) in [
            ("{Fn::Contains: [['1', '2'], !Ref P]}", true),
            ("{Fn::Not: [{Fn::Contains: [['1', '2'], !Ref P]}]}", false),
            ("{Fn::EachMemberEquals: [[!Ref P, '1'], '1']}", true),
            ("{Fn::EachMemberEquals: [[!Ref P, '2'], '1']}", false),
            ("{Fn::EachMemberIn: [[!Ref P], ['1', '2']]}", true),
            ("{Fn::EachMemberIn: [[!Ref P, '3'], ['1', '2']]}", false),
        ] {
            let rule = |condition: &str| {
                format!(
                    "  C: {{Fn::Equals: [a, a]}}\nRules:\n  R: {{{condition}Assertions: [{{Assert: {assert}, AssertDescription: told}}]}}"
                )
            };
            match evaluate_text(&rule("")) {
                Ok(_) => assert!(holds, "{assert}"),
                Err(problems) => {
                    assert!(!holds && problems[0].message == "the rule R does not hold: told", "{problems:?}")
                }
            }
            assert!(evaluate_text(&rule("RuleCondition: {Fn::Equals: [!Ref P, '2']}, ")).is_ok(), "it does not apply");
        }
    }

    #[test]
    fn conditions_build_on_each_other_in_any_order() {
        let held = evaluate_text(
            "  No: !Not [Condition: Yes]\n  Both: !And [Condition: Yes, Condition: No]\n  Yes: !Equals [!Ref P, 1]\n  Any: !Or [Condition: No, !Condition Yes]",
        );
        let held: Vec<(String, bool)> = held.unwrap().into_iter().collect();
        let expected = [("Any", true), ("Both", false), ("No", false), ("Yes", true)];
        assert_eq!(held, expected.map(|(name, held)| (name.to_owned(), held)));
    }

    #[test]
    fn circles_and_unknown_names_are_refused() {
        assert!(
            evaluate_text("  A: !Not [Condition: B]\n  B: !Not [Condition: A]").unwrap_err()[0]
                .message
                .contains("leads back")
        );
        assert!(evaluate_text("  A: !Not [Condition: X]").unwrap_err()[0].message.contains("'X' is not declared"));
        assert!(evaluate_text("  A: !Equals [1]").unwrap_err()[0].message.contains("two values"));
    }

    #[test]
    fn a_ladder_of_doubling_conditions_costs_one_look_each() {
        let mut text = String::from("  C0: !Equals [1, 1]\n");
        for step in 1..200 {
            text += &format!("  C{step}: !And [Condition: C{0}, Condition: C{0}]\n", step - 1);
        }
        assert_eq!(evaluate_text(&text).unwrap().len(), 200);
    }
}
