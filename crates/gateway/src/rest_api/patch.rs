//! Patch operations (JSON Patch, as far as API Gateway takes it): changes of single properties, named by path.

use crate::Error;

/// What a patch does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Remove,
    Replace,
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub op: Op,
    pub path: String,
    /// The parts of the path, with `~1` and `~0` read as `/` and `~`.
    parts: Vec<String>,
    pub value: Option<String>,
}

impl Patch {
    pub fn read(op: &str, path: String, value: Option<String>) -> Result<Self, Error> {
        let op = match op {
            "add" => Op::Add,
            "remove" => Op::Remove,
            "replace" => Op::Replace,
            other => return Err(Error::bad(format!("Invalid patch operation specified: {other}"))),
        };
        let parts = path.trim_start_matches('/').split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
        Ok(Self { op, parts: parts.collect(), path, value })
    }

    /// The value, empty where there is none.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    pub fn truth(&self) -> Result<bool, Error> {
        self.text().parse().map_err(|_| Error::bad(format!("The value of {} must be true or false.", self.path)))
    }

    /// The refusal of a path that nothing here knows.
    pub fn refused(&self) -> Error {
        let op = match self.op {
            Op::Add => "add",
            Op::Remove => "remove",
            Op::Replace => "replace",
        };
        Error::BadRequest(format!("Invalid patch path '{}' specified for op '{op}'.", self.path))
    }

    /// The parts of the path.
    pub fn words(&self) -> Vec<&str> {
        self.parts.iter().map(String::as_str).collect()
    }

    /// Changes the entry `name` of a map.
    pub fn entry(&self, map: &mut std::collections::BTreeMap<String, String>, name: &str) {
        match self.op {
            Op::Remove => drop(map.remove(name)),
            Op::Add | Op::Replace => drop(map.insert(name.to_owned(), self.text().to_owned())),
        }
    }
}

/// A text that says something.
pub(crate) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
