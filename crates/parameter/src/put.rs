//! Putting, deleting and tagging parameters.

use crate::{CURRENT, Error, Key, Parameter, Parameters, VERSION, VERSIONS, Version, Wish, find, names};
use fogbank_model::Timestamp;
use fogbank_store::{Read as _, Tx};
use std::collections::BTreeMap;

/// Bytes of a value, by tier.
const STANDARD_BYTES: usize = 4096;
const ADVANCED_BYTES: usize = 8192;
/// Tags of one parameter.
const TAGS: usize = 50;

impl Parameters {
    /// Makes a parameter, or puts another version of it if `wish` allows that.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Mismatch`], [`Error::Invalid`] and what else is wrong with the wish.
    pub async fn put(&self, key: &Key, wish: Wish) -> Result<Version, Error> {
        names::check(&key.name)?;
        if wish.overwrite && !wish.tags.is_empty() {
            let text = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
                        overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                        RemoveTagsFromResource.";
            return Err(Error::Invalid(text.into()));
        }
        let (key, now) = (key.clone(), self.clock.now());
        let put = move |tx: &mut Tx<'_>| -> Result<Version, Error> {
            let before: Option<Parameter> = tx.load(CURRENT, &key.encode())?;
            if before.is_some() && !wish.overwrite {
                return Err(Error::Exists);
            }
            let version = next(before.as_ref().map(|parameter| &parameter.newest), &wish, now)?;
            let tags = before.map_or_else(|| wish.tags.clone(), |parameter| parameter.tags);
            check_tags(&tags)?;
            tx.save(VERSION, &key.version(version.number), &version)?;
            if let Some(oldest) = version.number.checked_sub(VERSIONS) {
                tx.delete(VERSION, &key.version(oldest));
            }
            tx.save(CURRENT, &key.encode(), &Parameter { key: key.clone(), tags, newest: version.clone() })?;
            Ok(version)
        };
        self.store.transact(put).await
    }

    /// Removes a parameter with its versions.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        let key = key.clone();
        let delete = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            find::current(tx, &key)?;
            tx.delete(CURRENT, &key.encode());
            let versions = [&key.encode()[..], &[0]].concat();
            for (version, _) in tx.scan_prefix(VERSION, &versions, usize::MAX)? {
                tx.delete(VERSION, &version);
            }
            Ok(())
        };
        self.store.transact(delete).await
    }

    /// Adds and removes tags of a parameter.
    ///
    /// # Errors
    /// [`Error::InvalidResource`], [`Error::TooManyTags`], [`Error::Store`].
    pub async fn tag(&self, key: &Key, added: BTreeMap<String, String>, removed: Vec<String>) -> Result<(), Error> {
        let key = key.clone();
        let tag = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut parameter = find::tagged(tx, &key)?;
            parameter.tags.extend(added.clone());
            parameter.tags.retain(|name, _| !removed.contains(name));
            check_tags(&parameter.tags)?;
            Ok(tx.save(CURRENT, &key.encode(), &parameter)?)
        };
        self.store.transact(tag).await
    }
}

fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS { Err(Error::TooManyTags) } else { Ok(()) }
}

/// The version that comes after `before`.
fn next(before: Option<&Version>, wish: &Wish, now: Timestamp) -> Result<Version, Error> {
    let kind = wish
        .kind
        .as_ref()
        .or(before.map(|version| &version.kind))
        .ok_or_else(|| Error::Invalid("A parameter type is required when you create a parameter.".into()))?;
    if kind == "SecureString" {
        return Err(Error::Unsupported("The parameter type SecureString"));
    }
    let tier = tier(before, wish)?;
    let kept =
        |given: &Option<String>, before: Option<&Option<String>>| given.clone().or_else(|| before.cloned().flatten());
    let allowed_pattern = kept(&wish.allowed_pattern, before.map(|version| &version.allowed_pattern));
    if let Some(pattern) = &allowed_pattern {
        let regex = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
        if !regex.map_err(|_| Error::InvalidPattern(pattern.clone()))?.is_match(&wish.value) {
            return Err(Error::Mismatch(pattern.clone()));
        }
    }
    Ok(Version {
        number: before.map_or(1, |version| version.number + 1),
        kind: kind.clone(),
        value: wish.value.clone(),
        description: kept(&wish.description, before.map(|version| &version.description)),
        allowed_pattern,
        tier: tier.to_owned(),
        data_type: "text".to_owned(),
        modified: now,
        by: wish.by.clone(),
    })
}

/// What is advanced stays so.
fn tier(before: Option<&Version>, wish: &Wish) -> Result<&'static str, Error> {
    let size = wish.value.len();
    let was_advanced = before.is_some_and(|version| version.tier == "Advanced");
    let advanced = match wish.tier.as_deref() {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => was_advanced || size > STANDARD_BYTES,
        Some("Standard") if was_advanced => {
            let text = "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter \
                        tier to the standard-parameter tier.";
            return Err(Error::Invalid(text.into()));
        }
        _ => was_advanced,
    };
    let (name, limit) = if advanced { ("Advanced", ADVANCED_BYTES) } else { ("Standard", STANDARD_BYTES) };
    if size > limit {
        let more = if advanced {
            ""
        } else {
            " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        };
        let text = format!("{name} tier parameters support a maximum parameter value of {limit} characters.{more}");
        return Err(Error::Invalid(text));
    }
    Ok(name)
}
