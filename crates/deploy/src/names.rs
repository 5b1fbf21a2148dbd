//! Names for resources that the template gives none: made up once, kept on record, and kept for as long as the resource lives.

use crate::plan::Plan;
use crate::resource::{self, NameRule, Properties, ResourceType};
use crate::stack::Record;
use fogbank_model::Clock;
use fogbank_wire::Fault;

/// Makes names up for one resource.
pub(crate) struct Namer<'a> {
    pub clock: &'a dyn Clock,
    pub stack: &'a str,
    /// The resource's logical id.
    pub id: &'a str,
    /// Whether no other resource of the template is reached by a host name.
    pub only_host: bool,
}

impl Namer<'_> {
    /// `STACK-ID-RANDOM`, or a host name that is as short as it can be.
    pub(crate) fn make(&self, rule: NameRule) -> String {
        if rule.host {
            let name = if self.only_host { self.stack.to_owned() } else { format!("{}-{}", self.stack, self.id) };
            return host_name(&name, rule.max);
        }
        let random = self.random_letters();
        let room = rule.max.saturating_sub(random.len() + 1);
        let name: String = format!("{}-{}", self.stack, self.id).chars().take(room).collect();
        format!("{name}-{random}")
    }

    /// A host name for where the short one is taken: by another account's stack of that name, by the API that is being replaced, or by
    /// an AWS service.
    pub(crate) fn make_longer(&self, rule: NameRule) -> String {
        let random = self.random_letters().to_lowercase();
        let random = random.get(..6).unwrap_or_default();
        format!("{}-{random}", host_name(&format!("{}-{}", self.stack, self.id), rule.max.saturating_sub(7)))
    }

    fn random_letters(&self) -> String {
        let mut random = [0u8; 12];
        self.clock.random(&mut random);
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        random.iter().map(|byte| char::from(letters[usize::from(byte % 32)])).collect()
    }
}

fn host_name(name: &str, max: usize) -> String {
    name.to_lowercase().chars().take(max).collect::<String>().trim_end_matches('-').to_owned()
}

/// Whether no resource of the plan but `id` is reached by a host name.
pub(crate) fn only_host(plan: &Plan, id: &str) -> bool {
    let is_host = |kind: &str| resource::find(kind).and_then(|kind| kind.name_property()).is_some_and(|rule| rule.host);
    let hosts =
        plan.order.iter().filter_map(|id| plan.template.resource(id)).filter(|resource| is_host(&resource.kind));
    hosts.into_iter().all(|resource| resource.id == id)
}

/// A name that was made up for a resource stays with it.
pub(crate) fn keep_name(kind: &dyn ResourceType, record: &Record, mut wanted: Properties) -> Properties {
    if let Some(rule) = kind.name_property()
        && !wanted.contains_key(rule.property)
        && let Some(name) = record.properties.get(rule.property)
    {
        wanted.insert(rule.property.into(), name.clone());
    }
    wanted
}

/// Whether a creation failed because of the name that was made up.
pub(crate) fn cannot_have_name(fault: &Fault) -> bool {
    already_there(fault) || fault.message.contains(resource::http_api::NAME_TAG)
}

/// Whether a creation failed because something of that name is there that is not ours to remove.
pub(crate) fn already_there(fault: &Fault) -> bool {
    let text = fault.code.to_lowercase();
    text.contains("exist") || text.contains("conflict")
}
