//! Document paths, and the check that several of them do not meet.

use super::error::Problem;
use crate::value::{AttributeValue, Item};
use std::collections::BTreeMap;
use std::fmt;

/// The way to an attribute or to a part of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// The attribute.
    pub name: String,
    /// What leads to the part.
    pub steps: Vec<Step>,
}

/// A step into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// An entry of a map.
    Key(String),
    /// An element of a list.
    Index(usize),
}

impl Path {
    /// The path to a whole attribute.
    pub fn of(name: impl Into<String>) -> Self {
        Self { name: name.into(), steps: Vec::new() }
    }

    /// What is at the path's end.
    pub fn find<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue> {
        self.steps.iter().try_fold(item.get(&self.name)?, |value, step| step.find(value))
    }
}

impl Step {
    fn find<'v>(&self, value: &'v AttributeValue) -> Option<&'v AttributeValue> {
        match (self, value) {
            (Self::Key(key), AttributeValue::M(map)) => map.get(key),
            (Self::Index(index), AttributeValue::L(list)) => list.get(*index),
            _ => None,
        }
    }
}

/// As messages show it: `[a, b, [0]]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.name)?;
        for step in &self.steps {
            match step {
                Step::Key(key) => write!(f, ", {key}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

/// Several paths as one tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PathTree {
    /// The first of the paths that come through here.
    first: usize,
    /// Whether a path ends here.
    pub ends: bool,
    pub keys: BTreeMap<String, PathTree>,
    pub indexes: BTreeMap<usize, PathTree>,
}

impl PathTree {
    /// The tree of paths of which none is within another one.
    pub fn of(paths: &[Path]) -> Result<Self, Problem> {
        let mut root = Self::default();
        for (number, path) in paths.iter().enumerate() {
            root.insert(number, path).map_err(|clash| clash.problem(paths, path))?;
        }
        Ok(root)
    }

    fn insert(&mut self, number: usize, path: &Path) -> Result<(), Clash> {
        let mut node = self.keys.entry(path.name.clone()).or_insert_with(|| Self::starting(number));
        for step in &path.steps {
            if node.ends {
                return Err(Clash::Overlap(node.first));
            }
            let is_other_kind = match step {
                Step::Key(_) => !node.indexes.is_empty(),
                Step::Index(_) => !node.keys.is_empty(),
            };
            if is_other_kind {
                return Err(Clash::Conflict(node.first));
            }
            node = match step {
                Step::Key(key) => node.keys.entry(key.clone()).or_insert_with(|| Self::starting(number)),
                Step::Index(index) => node.indexes.entry(*index).or_insert_with(|| Self::starting(number)),
            };
        }
        if node.ends || !node.keys.is_empty() || !node.indexes.is_empty() {
            return Err(Clash::Overlap(node.first));
        }
        node.ends = true;
        Ok(())
    }

    fn starting(number: usize) -> Self {
        Self { first: number, ..Self::default() }
    }
}

/// How a path meets an earlier one.
enum Clash {
    Overlap(usize),
    Conflict(usize),
}

impl Clash {
    fn problem(self, paths: &[Path], second: &Path) -> Problem {
        let earlier = |number: usize| paths.get(number).unwrap_or(second).clone();
        match self {
            Self::Overlap(first) => Problem::Overlap(earlier(first), second.clone()),
            Self::Conflict(first) => Problem::Conflict(earlier(first), second.clone()),
        }
    }
}
