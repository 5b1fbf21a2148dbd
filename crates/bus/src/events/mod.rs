//! The EventBridge API: one line per operation. The only place that knows how buses look on the wire.

mod archives;
mod buses;
mod destinations;
mod faults;
mod partners;
mod puts;
mod rules;
mod shapes;

use crate::Buses;
use fogbank_wire::Service;
use std::sync::Arc;

/// EventBridge's operations on `buses`, for the shape table `events`.
pub fn service(state: &Arc<Buses>) -> Service {
    let service = Service::new("events")
        .operation("CreateEventBus", state, buses::create)
        .operation("DeleteEventBus", state, buses::delete)
        .operation("DescribeEventBus", state, buses::describe)
        .operation("ListEventBuses", state, buses::list)
        .operation("UpdateEventBus", state, buses::update)
        .operation("PutPermission", state, buses::put_permission)
        .operation("RemovePermission", state, buses::remove_permission)
        .operation("ListTagsForResource", state, buses::list_tags)
        .operation("TagResource", state, buses::tag)
        .operation("UntagResource", state, buses::untag)
        .operation("PutRule", state, rules::put)
        .operation("DeleteRule", state, rules::delete)
        .operation("DescribeRule", state, rules::describe)
        .operation("ListRules", state, rules::list)
        .operation("ListRuleNamesByTarget", state, rules::list_names)
        .operation("EnableRule", state, rules::enable)
        .operation("DisableRule", state, rules::disable)
        .operation("PutTargets", state, rules::put_targets)
        .operation("RemoveTargets", state, rules::remove_targets)
        .operation("ListTargetsByRule", state, rules::list_targets)
        .operation("PutEvents", state, puts::put_events)
        .operation("TestEventPattern", state, puts::test_pattern)
        .operation("CreateArchive", state, archives::create)
        .operation("UpdateArchive", state, archives::update)
        .operation("DeleteArchive", state, archives::delete)
        .operation("DescribeArchive", state, archives::describe)
        .operation("ListArchives", state, archives::list)
        .operation("StartReplay", state, archives::start_replay)
        .operation("CancelReplay", state, archives::cancel_replay)
        .operation("DescribeReplay", state, archives::describe_replay)
        .operation("ListReplays", state, archives::list_replays)
        .operation("CreateConnection", state, destinations::create_connection)
        .operation("UpdateConnection", state, destinations::update_connection)
        .operation("DeleteConnection", state, destinations::delete_connection)
        .operation("DeauthorizeConnection", state, destinations::deauthorize)
        .operation("DescribeConnection", state, destinations::describe_connection)
        .operation("ListConnections", state, destinations::list_connections)
        .operation("CreateApiDestination", state, destinations::create)
        .operation("UpdateApiDestination", state, destinations::update)
        .operation("DeleteApiDestination", state, destinations::delete)
        .operation("DescribeApiDestination", state, destinations::describe)
        .operation("ListApiDestinations", state, destinations::list);
    partners::add(service, state)
}
