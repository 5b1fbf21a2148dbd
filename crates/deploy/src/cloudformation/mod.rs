//! The CloudFormation API over the same stacks that the command line deploys. Templates come in the request, or out of a
//! bucket.

pub(crate) mod change_sets;
mod faults;
mod shapes;
mod stacks;
mod template_url;

use crate::Deploy;
use fogbank_wire::Service;
use std::sync::Arc;

/// The service, for the router.
pub fn service(deploy: &Arc<Deploy>) -> Service {
    Service::new("cloudformation")
        .operation("CreateChangeSet", deploy, change_sets::create)
        .operation("CreateStack", deploy, stacks::create)
        .operation("DeleteChangeSet", deploy, change_sets::delete)
        .operation("DeleteStack", deploy, stacks::delete)
        .operation("DescribeChangeSet", deploy, change_sets::describe)
        .operation("DescribeStackEvents", deploy, stacks::describe_events)
        .operation("DescribeStackResource", deploy, stacks::describe_resource)
        .operation("DescribeStackResources", deploy, stacks::describe_resources)
        .operation("DescribeStacks", deploy, stacks::describe)
        .operation("ExecuteChangeSet", deploy, change_sets::execute)
        .operation("GetTemplate", deploy, stacks::get_template)
        .operation("GetTemplateSummary", deploy, stacks::get_template_summary)
        .operation("ListChangeSets", deploy, change_sets::list)
        .operation("ListExports", deploy, stacks::list_exports)
        .operation("ListStackResources", deploy, stacks::list_resources)
        .operation("ListStacks", deploy, stacks::list)
        .operation("UpdateStack", deploy, stacks::update)
        .operation("UpdateTerminationProtection", deploy, stacks::protect)
        .operation("ValidateTemplate", deploy, stacks::validate)
}
