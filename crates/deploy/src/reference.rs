//! Checks what a template's expressions name, before anything is resolved, and collects which resources they refer to.

use crate::expression::{Piece, Scope, pieces};
use crate::problem::{Position, Problem};
use crate::tree::{Kind, Node};
use std::collections::BTreeSet;

/// The pseudo parameters.
const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

impl Scope<'_> {
    /// Checks every name in `node` without resolving it, and collects which resources it refers to. A branch of an `Fn::If` that
    /// is not taken must still name things that exist, but adds no reference.
    pub fn check(&self, node: &Node, references: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
        match (node.as_call(), &node.kind) {
            (Some((function, argument)), _) => self.check_call(function, argument, references, problems),
            (None, Kind::List(items)) => items.iter().for_each(|item| self.check(item, references, problems)),
            (None, Kind::Map(entries)) => entries.iter().for_each(|(_, value)| self.check(value, references, problems)),
            _ => {}
        }
    }

    fn check_call(
        &self,
        function: &str,
        argument: &Node,
        references: &mut BTreeSet<String>,
        problems: &mut Vec<Problem>,
    ) {
        match function {
            "Ref" => match argument.expect_text("Ref") {
                Ok(name) => self.check_name(name, argument.at, references, problems),
                Err(problem) => problems.push(problem),
            },
            "Fn::GetAtt" => match self.attribute_name(argument) {
                Ok((resource, _)) if self.template.resource(&resource).is_some() => drop(references.insert(resource)),
                Ok((resource, _)) => {
                    problems.push(Problem::at(
                        argument.at,
                        format!("Fn::GetAtt: '{resource}' is no resource of this template"),
                    ));
                }
                Err(problem) => problems.push(problem),
            },
            "Fn::Sub" => self.check_sub(argument, references, problems),
            "Fn::If" => self.check_if(argument, references, problems),
            "Fn::Join" | "Fn::Select" | "Fn::Split" | "Fn::FindInMap" | "Fn::Base64" | "Fn::GetAZs"
            | "Fn::ImportValue" | "Fn::Length" | "Fn::ToJsonString" | "Fn::Cidr" => {
                self.check(argument, references, problems)
            }
            other => problems.push(Problem::at(argument.at, format!("the function {other} is not supported"))),
        }
    }

    fn check_if(&self, argument: &Node, references: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
        let [condition, then, otherwise] = argument.items() else {
            return problems.push(Problem::at(argument.at, "Fn::If takes a condition's name and two values"));
        };
        let held = condition.expect_text("Fn::If's condition").and_then(|name| self.condition(name, condition.at));
        let mut unused = BTreeSet::new();
        match held {
            Ok(true) => {
                self.check(then, references, problems);
                self.check(otherwise, &mut unused, problems);
            }
            Ok(false) => {
                self.check(then, &mut unused, problems);
                self.check(otherwise, references, problems);
            }
            Err(problem) => problems.push(problem),
        }
    }

    fn check_sub(&self, argument: &Node, references: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
        let (pattern, variables) = match argument.items() {
            [pattern, variables] => (pattern, variables.entries()),
            _ => (argument, &[][..]),
        };
        variables.iter().for_each(|(_, value)| self.check(value, references, problems));
        let text = match pattern.expect_text("Fn::Sub's pattern") {
            Ok(text) => text,
            Err(problem) => return problems.push(problem),
        };
        for piece in pieces(text) {
            let Piece::Name(name) = piece else { continue };
            if !variables.iter().any(|(key, _)| key.text == name) {
                let name = name.split_once('.').map_or(name, |(resource, _)| resource);
                self.check_name(name, pattern.at, references, problems);
            }
        }
    }

    fn check_name(&self, name: &str, at: Position, references: &mut BTreeSet<String>, problems: &mut Vec<Problem>) {
        if self.template.resource(name).is_some() {
            references.insert(name.to_owned());
        } else if !self.parameters.contains_key(name) && !PSEUDO.contains(&name) {
            problems.push(self.unknown(name, at));
        }
    }
}
