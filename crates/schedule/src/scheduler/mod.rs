//! The EventBridge Scheduler API: one line per operation. The only place that knows how schedules look on the wire.

mod faults;
mod groups;
mod schedules;
mod shapes;

use crate::Schedules;
use fogbank_wire::Service;
use std::sync::Arc;

/// Scheduler's operations on `schedules`, for the shape table `scheduler`.
pub fn service(schedules: Arc<Schedules>) -> Service {
    let state = &schedules;
    Service::new("scheduler")
        .operation("CreateSchedule", state, schedules::create)
        .operation("GetSchedule", state, schedules::get)
        .operation("UpdateSchedule", state, schedules::update)
        .operation("DeleteSchedule", state, schedules::delete)
        .operation("ListSchedules", state, schedules::list)
        .operation("CreateScheduleGroup", state, groups::create)
        .operation("GetScheduleGroup", state, groups::get)
        .operation("DeleteScheduleGroup", state, groups::delete)
        .operation("ListScheduleGroups", state, groups::list)
        .operation("TagResource", state, groups::tag)
        .operation("UntagResource", state, groups::untag)
        .operation("ListTagsForResource", state, groups::list_tags)
}
