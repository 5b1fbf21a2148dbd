//! The Systems Manager API, as far as it is about parameters: one line per operation. The only place that knows how parameters look on the wire.

mod faults;
mod lists;
mod parameters;
mod shapes;
mod tags;

use crate::Parameters;
use fogbank_wire::Service;
use std::sync::Arc;

/// Systems Manager's operations on `parameters`, for the shape table `ssm`.
pub fn service(parameters: Arc<Parameters>) -> Service {
    let state = &parameters;
    Service::new("ssm")
        .operation("PutParameter", state, parameters::put)
        .operation("GetParameter", state, parameters::get)
        .operation("GetParameters", state, parameters::get_several)
        .operation("GetParameterHistory", state, lists::history)
        .operation("GetParametersByPath", state, lists::by_path)
        .operation("DescribeParameters", state, lists::describe)
        .operation("DeleteParameter", state, parameters::delete)
        .operation("DeleteParameters", state, parameters::delete_several)
        .operation("AddTagsToResource", state, tags::add)
        .operation("RemoveTagsFromResource", state, tags::remove)
        .operation("ListTagsForResource", state, tags::list)
}
