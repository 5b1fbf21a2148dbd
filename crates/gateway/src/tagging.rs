//! Tags of APIs and stages, and the ARNs that name them: `arn:aws:apigateway:REGION::/apis/ID/stages/NAME`.

use crate::Error;
use crate::ids::ID_TAG;
use std::collections::BTreeMap;

/// Tags of one resource ("API Gateway tag restrictions").
const LIMIT: usize = 50;

/// The API's id and the stage's name in an ARN whose resource begins with `kind`.
pub(crate) fn resource(arn: &str, kind: &str) -> Result<(String, Option<String>), Error> {
    let wrong = || Error::bad(format!("Invalid ARN '{arn}': use arn:aws:apigateway:REGION::{kind}ID[/stages/NAME]."));
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "apigateway", _, "", path] = parts[..] else { return Err(wrong()) };
    let rest = path.strip_prefix(kind).ok_or_else(wrong)?;
    match rest.split('/').collect::<Vec<_>>()[..] {
        [id] if !id.is_empty() => Ok((id.into(), None)),
        [id, "stages", stage] => Ok((id.into(), Some(stage.into()))),
        _ => Err(wrong()),
    }
}

fn refuse_id<'k>(mut keys: impl Iterator<Item = &'k String>) -> Result<(), Error> {
    match keys.any(|key| key == ID_TAG) {
        false => Ok(()),
        true => Err(Error::bad(format!(
            "The tag {ID_TAG} fixes an API's id and can only be given when the API is created."
        ))),
    }
}

pub(crate) fn add(tags: &mut BTreeMap<String, String>, more: &BTreeMap<String, String>) -> Result<(), Error> {
    refuse_id(more.keys().filter(|key| tags.get(*key) != more.get(*key)))?;
    tags.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    match tags.len() <= LIMIT {
        true => Ok(()),
        false => Err(Error::bad(format!("A resource can have at most {LIMIT} tags."))),
    }
}

pub(crate) fn remove(tags: &mut BTreeMap<String, String>, keys: &[String]) -> Result<(), Error> {
    refuse_id(keys.iter())?;
    tags.retain(|key, _| !keys.contains(key));
    Ok(())
}
