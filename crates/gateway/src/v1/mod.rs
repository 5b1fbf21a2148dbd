//! The API `apigateway`: one line for each operation that works.

mod apis;
mod deployments;
mod integrations;
mod methods;
mod resources;
mod shapes;
mod stages;
mod tags;

use crate::Gateway;
use fogbank_wire::Service;
use std::sync::Arc;

pub(crate) fn service(gateway: &Arc<Gateway>) -> Service {
    Service::new("apigateway")
        .operation("CreateDeployment", gateway, deployments::create)
        .operation("CreateResource", gateway, resources::create)
        .operation("CreateRestApi", gateway, apis::create)
        .operation("CreateStage", gateway, stages::create)
        .operation("DeleteDeployment", gateway, deployments::delete)
        .operation("DeleteIntegration", gateway, integrations::delete)
        .operation("DeleteIntegrationResponse", gateway, integrations::delete_response)
        .operation("DeleteMethod", gateway, methods::delete)
        .operation("DeleteMethodResponse", gateway, methods::delete_response)
        .operation("DeleteResource", gateway, resources::delete)
        .operation("DeleteRestApi", gateway, apis::delete)
        .operation("DeleteStage", gateway, stages::delete)
        .operation("GetDeployment", gateway, deployments::get)
        .operation("GetDeployments", gateway, deployments::list)
        .operation("GetIntegration", gateway, integrations::get)
        .operation("GetIntegrationResponse", gateway, integrations::get_response)
        .operation("GetMethod", gateway, methods::get)
        .operation("GetMethodResponse", gateway, methods::get_response)
        .operation("GetResource", gateway, resources::get)
        .operation("GetResources", gateway, resources::list)
        .operation("GetRestApi", gateway, apis::get)
        .operation("GetRestApis", gateway, apis::list)
        .operation("GetStage", gateway, stages::get)
        .operation("GetStages", gateway, stages::list)
        .operation("GetTags", gateway, tags::get)
        .operation("ImportRestApi", gateway, apis::import)
        .operation("PutIntegration", gateway, integrations::put)
        .operation("PutIntegrationResponse", gateway, integrations::put_response)
        .operation("PutMethod", gateway, methods::put)
        .operation("PutMethodResponse", gateway, methods::put_response)
        .operation("PutRestApi", gateway, apis::put)
        .operation("TagResource", gateway, tags::tag)
        .operation("UntagResource", gateway, tags::untag)
        .operation("UpdateDeployment", gateway, deployments::update)
        .operation("UpdateIntegration", gateway, integrations::update)
        .operation("UpdateIntegrationResponse", gateway, integrations::update_response)
        .operation("UpdateMethod", gateway, methods::update)
        .operation("UpdateResource", gateway, resources::update)
        .operation("UpdateRestApi", gateway, apis::update)
        .operation("UpdateStage", gateway, stages::update)
}
