//! The event `S3`: a bucket of the template tells the function of its changes.

use crate::problem::Position;
use crate::sam::events::FunctionEvent;
use crate::sam::{Expansion, reference, referred};
use crate::tree::Node;

/// What a bucket is to tell a function, collected for the bucket.
pub(super) struct Told {
    /// The bucket's logical id.
    pub bucket: String,
    /// The permission that it waits for.
    pub permission: String,
    /// An item of `LambdaConfigurations`.
    pub entry: Node,
    /// Where the event stands.
    pub at: Position,
}

impl Expansion<'_> {
    /// Has a bucket of this template tell the function, and lets it.
    pub(super) fn bucket_event(&mut self, event: &FunctionEvent<'_>) {
        let (at, given) = (event.at, event.given);
        self.check_event(event, &["Bucket", "Events", "Filter"], &[]);
        let id = given.get("Bucket").and_then(referred).map(str::to_owned);
        let declared = |id: &String| self.scope.template.resource(id).is_some_and(|it| it.kind == "AWS::S3::Bucket");
        let Some(bucket) = id.filter(declared) else {
            let text = "must name an AWS::S3::Bucket of this template with !Ref";
            return self.problems.push(event.problem(text));
        };
        let one = given.get("Events").filter(|changes| changes.as_text().is_some()).map(std::slice::from_ref);
        let changes = one.or_else(|| given.get("Events").and_then(|changes| changes.expect_list("Events").ok()));
        let Some(changes) = changes.filter(|changes| !changes.is_empty()) else {
            return self.problems.push(event.problem("needs Events"));
        };
        // The bucket's own ARN would refer back to the bucket, which waits for the permission.
        let owner = ("SourceAccount", reference(at, "AWS::AccountId"));
        let permission = self.event_permission(event, "s3.amazonaws.com", owner);
        if !self.is_live(event.function) {
            return;
        }
        for change in changes {
            let mut entry = Node::map(at, [("Event", change.clone()), ("Function", event.function_arn())]);
            if let Some(filter) = given.get("Filter") {
                entry.set("Filter", filter.clone());
            }
            self.told.push(Told { bucket: bucket.clone(), permission: permission.clone(), entry, at });
        }
    }

    /// Writes what buckets are to tell into their notification configurations, once all resources are there.
    pub(super) fn tell(&mut self) {
        for told in std::mem::take(&mut self.told) {
            let Some(bucket) = self.resources.iter_mut().find(|it| it.id == told.bucket) else { continue };
            let empty = || Node::map(told.at, Vec::<(String, Node)>::new());
            let mut configuration = bucket.properties.get("NotificationConfiguration").cloned().unwrap_or_else(empty);
            let mut entries = match configuration.get("LambdaConfigurations") {
                Some(list) => list.expect_list("LambdaConfigurations").map(<[Node]>::to_vec).unwrap_or_default(),
                None => Vec::new(),
            };
            entries.push(told.entry);
            configuration.set("LambdaConfigurations", Node::list(told.at, entries));
            bucket.properties.set("NotificationConfiguration", configuration);
            bucket.depends_on.push((told.permission, told.at));
        }
    }
}
