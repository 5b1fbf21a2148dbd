//! A rule's targets.

use crate::model::{RuleKey, TARGETS, Target};
use crate::page::{Page, Wanted};
use crate::path::Path;
use crate::rules::find;
use crate::transform::{RESERVED, variables};
use crate::{Buses, Error};
use fogbank_model::Arn;
use fogbank_store::Tx;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Buses {
    /// Adds targets to a rule, over those of the same ids.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Limit`], [`Error::Invalid`], [`Error::Store`].
    pub async fn put_targets(self: &Arc<Self>, key: &RuleKey, targets: Vec<Target>) -> Result<(), Error> {
        targets.iter().try_for_each(check)?;
        let (this, key) = (self.clone(), key.clone());
        let put = move |tx: &mut Tx<'_>| {
            let mut rule = find(tx, &key)?;
            for target in &targets {
                match rule.targets.iter_mut().find(|there| there.id == target.id) {
                    Some(there) => *there = target.clone(),
                    None => rule.targets.push(target.clone()),
                }
            }
            if rule.targets.len() > TARGETS {
                return Err(Error::too_many());
            }
            this.save_rule(tx, &key, &rule)
        };
        self.store.transact(put).await
    }

    /// Removes targets of a rule. Returns the ids of those that were not there.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn remove_targets(self: &Arc<Self>, key: &RuleKey, ids: Vec<String>) -> Result<Vec<String>, Error> {
        let (this, key) = (self.clone(), key.clone());
        let remove = move |tx: &mut Tx<'_>| {
            let mut rule = find(tx, &key)?;
            let there: BTreeSet<String> = rule.targets.iter().map(|target| target.id.clone()).collect();
            rule.targets.retain(|target| !ids.contains(&target.id));
            this.save_rule(tx, &key, &rule)?;
            Ok(ids.iter().filter(|id| !there.contains(*id)).cloned().collect())
        };
        self.store.transact(remove).await
    }

    /// A page of a rule's targets, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] for a token that was never given, [`Error::Store`].
    pub fn list_targets(&self, key: &RuleKey, wanted: &Wanted) -> Result<Page<Target>, Error> {
        let mut targets = self.rule(key)?.targets;
        targets.sort_by(|a, b| a.id.cmp(&b.id));
        wanted.of(targets, |target| &target.id)
    }
}

fn check(target: &Target) -> Result<(), Error> {
    let id = &target.id;
    let arn: Arn = target.arn.parse().map_err(|_| Error::bad_arn(&target.arn))?;
    let inputs = [target.input.is_some(), target.input_path.is_some(), target.input_transformer.is_some()];
    if inputs.iter().filter(|is_given| **is_given).count() > 1 {
        return Err(Error::invalid(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if let Some(input) = &target.input
        && let Err(error) = serde_json::from_str::<serde_json::Value>(input)
    {
        return Err(Error::invalid(format!("JSON syntax error in input for target {id} : {error}.")));
    }
    if target.input_path.as_ref().is_some_and(|path| Path::parse(path).is_none()) {
        return Err(Error::invalid(format!("InputPath for target {id} is not valid JSON Path.")));
    }
    check_transformer(target)?;
    let is_fifo = arn.service() == "sqs" && arn.resource().ends_with(".fifo");
    let group = target.sqs_parameters.as_ref().and_then(|parameters| parameters.message_group_id.as_ref());
    if is_fifo && group.is_none() {
        return Err(Error::invalid(format!("Parameter(s) SqsParameters must be specified for target: {id}.")));
    }
    let key = target.kinesis_parameters.as_ref().map(|parameters| &parameters.partition_key_path);
    if key.is_some_and(|path| Path::parse(path).is_none()) {
        return Err(Error::invalid(format!("PartitionKeyPath for target {id} is not valid JSON Path.")));
    }
    let queue = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    if let Some(queue) = queue {
        let is_queue = queue.parse::<Arn>().is_ok_and(|queue| queue.service() == "sqs");
        if !is_queue || queue.ends_with(".fifo") {
            return Err(Error::invalid(format!(
                "Parameter DeadLetterConfig.Arn is not valid for target {id}. Reason: It must be the ARN of a standard SQS queue."
            )));
        }
    }
    Ok(())
}

fn check_transformer(target: &Target) -> Result<(), Error> {
    let (id, Some(transformer)) = (&target.id, &target.input_transformer) else { return Ok(()) };
    // Names have no dots, so none is one of the reserved ones.
    if let Some(path) = transformer.input_paths_map.values().find(|path| Path::parse(path).is_none()) {
        return Err(Error::invalid(format!("InputPathsMap for target {id} contains invalid JSON path {path}.")));
    }
    let known = |name: &str| RESERVED.contains(&name) || transformer.input_paths_map.contains_key(name);
    match variables(&transformer.input_template).into_iter().find(|name| !known(name)) {
        Some(name) => {
            Err(Error::invalid(format!("InputTemplate for target {id} contains invalid placeholder {name}.")))
        }
        None => Ok(()),
    }
}
