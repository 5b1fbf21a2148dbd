//! The SQS API: one line per operation. The only place that knows how queues look on the wire.

mod address;
mod batches;
mod faults;
mod messages;
mod moves;
mod queues;
mod settings;
mod shapes;

use crate::Queues;
use fogbank_wire::Service;
use std::sync::Arc;

/// SQS's operations on `queues`, for the shape table `sqs`.
pub fn service(queues: Arc<Queues>) -> Service {
    let state = &queues;
    Service::new("sqs")
        .on_invalid(faults::invalid)
        // Names of attributes are checked where they are used, in SQS's own words.
        .tolerates(|violation| !violation.is_missing())
        .addressed_by("QueueUrl")
        .operation("CreateQueue", state, queues::create)
        .operation("DeleteQueue", state, queues::delete)
        .operation("GetQueueUrl", state, queues::get_url)
        .operation("ListQueues", state, queues::list)
        .operation("ListDeadLetterSourceQueues", state, queues::list_sources)
        .operation("PurgeQueue", state, queues::purge)
        .operation("GetQueueAttributes", state, settings::get_attributes)
        .operation("SetQueueAttributes", state, settings::set_attributes)
        .operation("TagQueue", state, settings::tag)
        .operation("UntagQueue", state, settings::untag)
        .operation("ListQueueTags", state, settings::list_tags)
        .operation("AddPermission", state, settings::add_permission)
        .operation("RemovePermission", state, settings::remove_permission)
        .operation("SendMessage", state, messages::send)
        .operation("ReceiveMessage", state, messages::receive)
        .operation("DeleteMessage", state, messages::delete)
        .operation("ChangeMessageVisibility", state, messages::change_visibility)
        .operation("SendMessageBatch", state, batches::send)
        .operation("DeleteMessageBatch", state, batches::delete)
        .operation("ChangeMessageVisibilityBatch", state, batches::change_visibility)
        .operation("StartMessageMoveTask", state, moves::start)
        .operation("CancelMessageMoveTask", state, moves::cancel)
        .operation("ListMessageMoveTasks", state, moves::list)
}
