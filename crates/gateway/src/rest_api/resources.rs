//! Resources of a REST API: the tree of paths.

use super::patch::{Op, Patch};
use super::{Resource, RestApi, quota};
use crate::Error;
use crate::http_api::within;
use crate::ids::Ids;
use crate::serve::route::Pattern;
use std::collections::BTreeMap;

fn check_part(part: &str) -> Result<(), Error> {
    let bare = part.trim_start_matches('{').trim_end_matches('}').trim_end_matches('+');
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-:~!$&'()*,;=@%".contains(&b);
    match !part.is_empty() && bare.bytes().all(plain) && Pattern::parse(&format!("/{part}")).is_ok() {
        true => Ok(()),
        false => Err(Error::bad(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the \
             end.",
        )),
    }
}

/// The path of `part` under `parent`.
fn path_of(parent: &str, part: &str) -> String {
    match parent {
        "/" => format!("/{part}"),
        parent => format!("{parent}/{part}"),
    }
}

impl RestApi {
    pub fn resource(&self, id: &str) -> Result<&Resource, Error> {
        self.resources.get(id).ok_or_else(|| Error::NotFound("Invalid Resource identifier specified".into()))
    }

    pub(super) fn resource_mut(&mut self, id: &str) -> Result<&mut Resource, Error> {
        self.resources.get_mut(id).ok_or_else(|| Error::NotFound("Invalid Resource identifier specified".into()))
    }

    /// The id of the root; every API has one.
    pub fn root(&self) -> &str {
        let root = self.resources.values().find(|resource| resource.parent.is_none());
        root.map_or("", |resource| resource.id.as_str())
    }

    fn check_siblings(&self, parent: &str, part: &str, except: Option<&str>) -> Result<(), Error> {
        let siblings = || {
            let under = self.resources.values().filter(|resource| resource.parent.as_deref() == Some(parent));
            under.filter(|resource| Some(resource.id.as_str()) != except)
        };
        if siblings().any(|resource| resource.part == part) {
            return Err(Error::Conflict(format!(
                "Another resource with the same parent already has this name: {part}"
            )));
        }
        let variable = |part: &str| part.starts_with('{');
        let greedy = |part: &str| part.ends_with("+}");
        let clash =
            siblings().find(|other| variable(&other.part) && variable(part) && greedy(&other.part) == greedy(part));
        match clash {
            None => Ok(()),
            Some(other) => Err(Error::bad(format!(
                "A sibling ({}) of this resource already has a variable path part -- only one is allowed",
                other.part
            ))),
        }
    }

    pub fn create_resource(&mut self, ids: &Ids, parent: &str, part: &str) -> Result<Resource, Error> {
        within(self.resources.len(), quota::RESOURCES, "resources")?;
        check_part(part)?;
        let above = self.resource(parent)?.path.clone();
        self.check_siblings(parent, part, None)?;
        let path = path_of(&above, part);
        Pattern::parse(&path).map_err(|why| Error::bad(format!("The path {path} is not valid: {why}.")))?;
        let resource = Resource {
            id: ids.make(6),
            parent: Some(parent.into()),
            part: part.into(),
            path,
            methods: BTreeMap::new(),
        };
        self.resources.insert(resource.id.clone(), resource.clone());
        Ok(resource)
    }

    /// The resource of a whole path, with those above it, made where they are missing.
    pub fn ensure_resource(&mut self, ids: &Ids, path: &str) -> Result<String, Error> {
        let mut at = self.root().to_owned();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let known = self.resources.values().find(|r| r.parent.as_deref() == Some(at.as_str()) && r.part == part);
            at = match known {
                Some(resource) => resource.id.clone(),
                None => self.create_resource(ids, &at, part)?.id,
            };
        }
        Ok(at)
    }

    pub fn update_resource(&mut self, id: &str, patches: &[Patch]) -> Result<Resource, Error> {
        for patch in patches {
            let text = patch.text().to_owned();
            let resource = self.resource(id)?.clone();
            let parent = resource.parent.ok_or_else(|| Error::bad("The root resource cannot be changed."))?;
            let (parent, part) = match (patch.op, patch.path.as_str()) {
                (Op::Replace, "/pathPart") => (parent, text),
                (Op::Replace, "/parentId") if !self.is_under(&text, id) => (text, resource.part),
                _ => return Err(patch.refused()),
            };
            check_part(&part)?;
            self.resource(&parent)?;
            self.check_siblings(&parent, &part, Some(id))?;
            let changed = self.resource_mut(id)?;
            changed.parent = Some(parent);
            changed.part = part;
            self.write_paths(id)?;
        }
        self.resource(id).cloned()
    }

    /// Whether `id` is `above` or lies below it.
    fn is_under(&self, id: &str, above: &str) -> bool {
        let mut at = Some(id);
        while let Some(id) = at {
            if id == above {
                return true;
            }
            at = self.resources.get(id).and_then(|resource| resource.parent.as_deref());
        }
        false
    }

    /// Writes the paths of a resource and of those below it anew.
    fn write_paths(&mut self, id: &str) -> Result<(), Error> {
        let mut waiting = vec![id.to_owned()];
        while let Some(id) = waiting.pop() {
            let resource = self.resource(&id)?;
            let above = self.resource(resource.parent.as_deref().unwrap_or_default())?.path.clone();
            let path = path_of(&above, &resource.part);
            Pattern::parse(&path).map_err(|why| Error::bad(format!("The path {path} is not valid: {why}.")))?;
            self.resource_mut(&id)?.path = path;
            let below = self.resources.values().filter(|other| other.parent.as_deref() == Some(id.as_str()));
            waiting.extend(below.map(|other| other.id.clone()));
        }
        Ok(())
    }

    /// Deletes a resource and all below it.
    pub fn delete_resource(&mut self, id: &str) -> Result<(), Error> {
        if self.resource(id)?.parent.is_none() {
            return Err(Error::bad("Cannot delete the root resource."));
        }
        let gone: Vec<String> = self.resources.keys().filter(|other| self.is_under(other, id)).cloned().collect();
        self.resources.retain(|id, _| !gone.contains(id));
        Ok(())
    }
}
