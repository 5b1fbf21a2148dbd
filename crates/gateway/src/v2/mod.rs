//! The API `apigatewayv2`: one line for each operation that works.

mod apis;
mod deployments;
mod integrations;
mod routes;
mod shapes;
mod stages;
mod tags;

use crate::Gateway;
use fogbank_wire::Service;
use std::sync::Arc;

pub(crate) fn service(gateway: &Arc<Gateway>) -> Service {
    Service::new("apigatewayv2")
        .operation("CreateApi", gateway, apis::create)
        .operation("CreateDeployment", gateway, deployments::create)
        .operation("CreateIntegration", gateway, integrations::create)
        .operation("CreateRoute", gateway, routes::create)
        .operation("CreateStage", gateway, stages::create)
        .operation("DeleteApi", gateway, apis::delete)
        .operation("DeleteCorsConfiguration", gateway, apis::delete_cors)
        .operation("DeleteDeployment", gateway, deployments::delete)
        .operation("DeleteIntegration", gateway, integrations::delete)
        .operation("DeleteRoute", gateway, routes::delete)
        .operation("DeleteStage", gateway, stages::delete)
        .operation("GetApi", gateway, apis::get)
        .operation("GetApis", gateway, apis::list)
        .operation("GetDeployment", gateway, deployments::get)
        .operation("GetDeployments", gateway, deployments::list)
        .operation("GetIntegration", gateway, integrations::get)
        .operation("GetIntegrations", gateway, integrations::list)
        .operation("GetRoute", gateway, routes::get)
        .operation("GetRoutes", gateway, routes::list)
        .operation("GetStage", gateway, stages::get)
        .operation("GetStages", gateway, stages::list)
        .operation("GetTags", gateway, tags::get)
        .operation("ImportApi", gateway, apis::import)
        .operation("ReimportApi", gateway, apis::reimport)
        .operation("TagResource", gateway, tags::tag)
        .operation("UntagResource", gateway, tags::untag)
        .operation("UpdateApi", gateway, apis::update)
        .operation("UpdateDeployment", gateway, deployments::update)
        .operation("UpdateIntegration", gateway, integrations::update)
        .operation("UpdateRoute", gateway, routes::update)
        .operation("UpdateStage", gateway, stages::update)
}
