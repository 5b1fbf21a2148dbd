//! The CloudWatch Logs API: one line per operation. The only place that knows how logs look on the wire.

mod events;
mod faults;
mod groups;
mod shapes;
mod streams;

use crate::Logs;
use fogbank_wire::Service;
use std::sync::Arc;

/// CloudWatch Logs' operations on `logs`, for the shape table `logs`.
pub fn service(logs: Arc<Logs>) -> Service {
    let state = &logs;
    Service::new("logs")
        .on_invalid(faults::invalid)
        .operation("CreateLogGroup", state, groups::create)
        .operation("DeleteLogGroup", state, groups::delete)
        .operation("DescribeLogGroups", state, groups::describe)
        .operation("PutRetentionPolicy", state, groups::put_retention)
        .operation("DeleteRetentionPolicy", state, groups::delete_retention)
        .operation("TagLogGroup", state, groups::tag_group)
        .operation("UntagLogGroup", state, groups::untag_group)
        .operation("ListTagsLogGroup", state, groups::list_group_tags)
        .operation("TagResource", state, groups::tag)
        .operation("UntagResource", state, groups::untag)
        .operation("ListTagsForResource", state, groups::list_tags)
        .operation("CreateLogStream", state, streams::create)
        .operation("DeleteLogStream", state, streams::delete)
        .operation("DescribeLogStreams", state, streams::describe)
        .operation("PutLogEvents", state, events::put)
        .operation("GetLogEvents", state, events::get)
        .operation("FilterLogEvents", state, events::filter)
}
