//! Looking at parameters.

use crate::{CURRENT, Error, Key, Parameter, Parameters, VERSION, Version, names};
use fogbank_model::{AccountId, Region};
use fogbank_store::Read;

impl Parameters {
    /// The parameter that `text` means, in the version that it asks for.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NoVersion`], [`Error::Unsupported`] for a label.
    pub fn get(&self, account: &AccountId, region: &Region, text: &str) -> Result<(Key, Version), Error> {
        let (key, selector) = names::read(account, region, text)?;
        self.store.read(|snapshot| {
            let newest = current(snapshot, &key)?.newest;
            let version = match selector.map(str::parse) {
                None => newest,
                Some(Err(_)) => return Err(Error::Unsupported("A parameter's label")),
                Some(Ok(number)) => snapshot
                    .load(VERSION, &key.version(number))?
                    .ok_or_else(|| Error::NoVersion { name: key.name.clone(), version: number.to_string() })?,
            };
            Ok((key.clone(), version))
        })
    }

    /// The versions that are kept of a parameter, the oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn history(&self, key: &Key) -> Result<Vec<Version>, Error> {
        let versions = [&key.encode()[..], &[0]].concat();
        self.store.read(|snapshot| {
            current(snapshot, key)?;
            let found = snapshot.load_prefix(VERSION, &versions)?;
            Ok(found.into_iter().map(|(_, version)| version).collect())
        })
    }

    /// The parameters of an account in a region that are `wanted`, by name: at most `limit`, of names after `after`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(
        &self,
        (account, region): (&AccountId, &Region),
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&Parameter) -> bool,
    ) -> Result<Vec<Parameter>, Error> {
        let scope = Key { account: account.clone(), region: region.clone(), name: String::new() };
        let found: Vec<(Vec<u8>, Parameter)> =
            self.store.read(|snapshot| snapshot.load_prefix(CURRENT, &scope.encode()))?;
        let later = |parameter: &Parameter| after.is_none_or(|after| parameter.key.name.as_str() > after);
        let found = found.into_iter().map(|(_, parameter)| parameter);
        Ok(found.filter(|parameter| later(parameter) && wanted(parameter)).take(limit).collect())
    }

    /// A parameter as a tagging operation names it.
    ///
    /// # Errors
    /// [`Error::InvalidResource`], [`Error::Store`].
    pub fn tagged(&self, key: &Key) -> Result<Parameter, Error> {
        self.store.read(|snapshot| tagged(snapshot, key))
    }
}

pub(crate) fn current(read: &impl Read, key: &Key) -> Result<Parameter, Error> {
    read.load(CURRENT, &key.encode())?.ok_or_else(|| Error::NotFound(key.name.clone()))
}

pub(crate) fn tagged(read: &impl Read, key: &Key) -> Result<Parameter, Error> {
    read.load(CURRENT, &key.encode())?.ok_or(Error::InvalidResource)
}
