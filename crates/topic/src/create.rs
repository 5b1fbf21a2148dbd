//! Creating, listing and deleting topics, and their tags.

use crate::model::{PAGE, Subscription, TAGS, Texts, Topic, TopicKey, is_name};
use crate::{Error, Topics, attributes, find, keys, lookup, memory, outbox};
use fogbank_model::{AccountId, Region};
use fogbank_store::{Read, Tx};
use std::ops::Bound;

impl Topics {
    /// Makes a topic. One that is there already is taken if it has the attributes and tags that are given.
    ///
    /// # Errors
    /// An invalid name, attribute or tag, a topic that differs, [`Error::Store`].
    pub async fn create(
        &self,
        key: &TopicKey,
        mut given: Texts,
        tags: Texts,
        data_protection: Option<String>,
    ) -> Result<(), Error> {
        check_name(&key.name, given.get("FifoTopic").map(String::as_str))?;
        if given.get("FifoTopic").is_some_and(|fifo| fifo == "false") {
            given.remove("FifoTopic");
        }
        for (name, value) in &given {
            attributes::check(key, name, value).map_err(|wrong| wrong.of_creation(name))?;
        }
        check_tags(&tags)?;
        if let Some(policy) = &data_protection {
            check_data_protection(policy)?;
        }
        let key = key.clone();
        let change = move |tx: &mut Tx<'_>| create(tx, &key, &given, &tags, data_protection.as_ref());
        self.store.transact(change).await
    }

    /// The topic called `key`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub fn topic(&self, key: &TopicKey) -> Result<Topic, Error> {
        self.store.read(|snapshot| find(snapshot, key))
    }

    /// A page of an account's topics in a region, those after the name `after`, and whether there are more.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn list(
        &self,
        scope: (&AccountId, &Region),
        after: Option<&str>,
    ) -> Result<(Vec<TopicKey>, Option<String>), Error> {
        let (names, next) = self.page(keys::TOPIC, scope, after)?;
        let key = |name| TopicKey { account: scope.0.clone(), region: scope.1.clone(), name };
        Ok((names.into_iter().map(key).collect(), next))
    }

    /// A page of the names under an account and a region, those after `after`, and after which name the next one begins.
    pub(crate) fn page(
        &self,
        table: fogbank_store::Table,
        scope: (&AccountId, &Region),
        after: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        let scope = keys::scope(scope.0, scope.1);
        let from = [scope.as_slice(), after.unwrap_or_default().as_bytes()].concat();
        let to = [scope.as_slice(), &[0xff]].concat();
        let found = self.store.read::<_, Error>(|snapshot| {
            Ok(snapshot.scan(table, Bound::Excluded(&from), Bound::Excluded(&to), PAGE + 1)?)
        })?;
        let names: Vec<String> = found.iter().take(PAGE).filter_map(|(key, _)| keys::name_in(key)).collect();
        let next = names.last().filter(|_| found.len() > PAGE).cloned();
        Ok((names, next))
    }

    /// Deletes a topic with its subscriptions and what waits for their HTTP endpoints. It is no error if there is none.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn delete(&self, key: &TopicKey) -> Result<(), Error> {
        let key = key.clone();
        self.store.transact(move |tx: &mut Tx<'_>| delete(tx, &key)).await
    }

    /// Sets tags of a topic.
    ///
    /// # Errors
    /// [`Error::NoResource`], invalid tags, [`Error::TooManyTags`], [`Error::Store`].
    pub async fn tag(&self, key: &TopicKey, tags: Texts) -> Result<(), Error> {
        check_tags(&tags)?;
        self.retag(key, move |topic| {
            topic.tags.extend(tags.clone());
            if topic.tags.len() > TAGS { Err(Error::TooManyTags) } else { Ok(()) }
        })
        .await
    }

    /// Removes tags of a topic.
    ///
    /// # Errors
    /// [`Error::NoResource`], [`Error::Store`].
    pub async fn untag(&self, key: &TopicKey, names: Vec<String>) -> Result<(), Error> {
        self.retag(key, move |topic| {
            topic.tags.retain(|name, _| !names.contains(name));
            Ok(())
        })
        .await
    }

    async fn retag(
        &self,
        key: &TopicKey,
        mut change: impl FnMut(&mut Topic) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let key = key.clone();
        let retag = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut topic = lookup(tx, &key)?.ok_or(Error::NoResource)?;
            change(&mut topic)?;
            Ok(tx.save(keys::TOPIC, &keys::topic(&key), &topic)?)
        };
        self.store.transact(retag).await
    }

    /// Keeps a topic's data protection policy. It is not enforced.
    ///
    /// # Errors
    /// [`Error::NotFound`], a text that is no document, [`Error::Store`].
    pub async fn put_data_protection(&self, key: &TopicKey, policy: String) -> Result<(), Error> {
        check_data_protection(&policy)?;
        self.change(key, move |topic| {
            topic.data_protection = Some(policy.clone()).filter(|policy| !policy.is_empty());
            Ok(())
        })
        .await
    }

    /// Changes a topic.
    pub(crate) async fn change(
        &self,
        key: &TopicKey,
        mut change: impl FnMut(&mut Topic) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let key = key.clone();
        let changed = move |tx: &mut Tx<'_>| -> Result<(), Error> {
            let mut topic = find(tx, &key)?;
            change(&mut topic)?;
            Ok(tx.save(keys::TOPIC, &keys::topic(&key), &topic)?)
        };
        self.store.transact(changed).await
    }
}

fn create(
    tx: &mut Tx<'_>,
    key: &TopicKey,
    given: &Texts,
    tags: &Texts,
    data_protection: Option<&String>,
) -> Result<(), Error> {
    if let Some(there) = lookup(tx, key)? {
        let shown = attributes::shown(key, &there);
        let same = |(name, value): (&String, &String)| match shown.get(name) {
            Some(there) => attributes::is_same(there, value),
            None => value.is_empty() || (name == "FifoThroughputScope" && value == "Topic"),
        };
        if !given.iter().all(same) {
            return Err(Error::because("Attributes", "Topic already exists with different attributes"));
        }
        if !tags.is_empty() && *tags != there.tags {
            return Err(Error::because("Tags", "Topic already exists with different tags"));
        }
        return Ok(());
    }
    let last = tx.get(keys::NUMBER, &[])?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    tx.put(keys::NUMBER, &[], (last + 1).to_be_bytes());
    let topic = Topic {
        id: last + 1,
        created: tx.now(),
        attributes: given.clone(),
        tags: tags.clone(),
        data_protection: data_protection.cloned(),
        confirmed: 0,
        pending: 0,
        deleted: 0,
    };
    Ok(tx.save(keys::TOPIC, &keys::topic(key), &topic)?)
}

fn delete(tx: &mut Tx<'_>, key: &TopicKey) -> Result<(), Error> {
    let Some(topic) = lookup(tx, key)? else { return Ok(()) };
    for (found, subscription) in tx.load_prefix::<Subscription>(keys::SUBSCRIPTION, &keys::subscriptions(key))? {
        tx.delete(keys::ENDPOINT, &keys::endpoint(key, subscription.protocol, &subscription.endpoint));
        tx.delete(keys::SUBSCRIPTION, &found);
        if let Some(key) = keys::subscription_of(&found).filter(|_| subscription.protocol.is_http()) {
            outbox::clear(tx, &key)?;
        }
    }
    memory::forget_all(tx, topic.id)?;
    tx.delete(keys::SEQUENCE, &topic.id.to_be_bytes());
    tx.delete(keys::TOPIC, &keys::topic(key));
    Ok(())
}

fn check_name(name: &str, fifo: Option<&str>) -> Result<(), Error> {
    let is_fifo = match fifo {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Error::because("Attributes", "FifoTopic must be true or false")),
    };
    match (is_name(name), is_fifo, name.ends_with(".fifo")) {
        (true, true, true) | (true, false, false) => Ok(()),
        (_, true, _) => Err(Error::invalid(
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, \
             numbers, underscores, and hyphens, and must be between 1 and 256 characters long.",
        )),
        _ => Err(Error::invalid("Topic Name")),
    }
}

fn check_tags(tags: &Texts) -> Result<(), Error> {
    if tags.len() > TAGS {
        return Err(Error::TooManyTags);
    }
    match tags.keys().any(|name| name.to_ascii_lowercase().starts_with("aws:")) {
        true => Err(Error::because("Tags", "Tag keys must not begin with aws:, which is reserved for system use")),
        false => Ok(()),
    }
}

fn check_data_protection(policy: &str) -> Result<(), Error> {
    let is_document = serde_json::from_str::<serde_json::Map<_, _>>(policy).is_ok();
    if is_document || policy.is_empty() { Ok(()) } else { Err(Error::invalid("DataProtectionPolicy")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_form() {
        for (name, fifo) in [("a", None), ("A-b_9", Some("false")), ("a.fifo", Some("true"))] {
            assert!(check_name(name, fifo).is_ok(), "{name}");
        }
        let long = "a".repeat(257);
        for (name, fifo) in
            [("", None), ("a.b", None), ("a.fifo", None), (&long, None), ("a", Some("true")), (".fifo", Some("true"))]
        {
            assert!(check_name(name, fifo).is_err(), "{name}");
        }
    }
}
