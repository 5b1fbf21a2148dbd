//! The Lambda API: one line per operation. The only place that knows how functions look on the wire.

mod aliases;
mod event_invokes;
mod faults;
mod functions;
mod invocation;
mod layers;
mod permissions;
mod provisioned;
mod settings;
mod shapes;
mod sources;
mod urls;

use crate::model::Code;
use crate::{Functions, limits};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fogbank_wire::Service;
use std::sync::Arc;

/// Lambda's operations on `functions`, for the shape table `lambda`.
pub fn service(functions: Arc<Functions>) -> Service {
    let state = &functions;
    Service::new("lambda")
        .on_invalid(faults::invalid)
        .tolerates(faults::is_known)
        .body_limit("CreateFunction", limits::UPLOAD_BYTES)
        .body_limit("UpdateFunctionCode", limits::UPLOAD_BYTES)
        .body_limit("PublishLayerVersion", limits::UPLOAD_BYTES)
        .operation("CreateFunction", state, functions::create)
        .operation("GetFunction", state, functions::get)
        .operation("GetFunctionConfiguration", state, functions::get_configuration)
        .operation("UpdateFunctionCode", state, functions::update_code)
        .operation("UpdateFunctionConfiguration", state, functions::update_configuration)
        .operation("DeleteFunction", state, functions::delete)
        .operation("ListFunctions", state, functions::list)
        .operation("PublishVersion", state, functions::publish)
        .operation("ListVersionsByFunction", state, functions::list_versions)
        .operation("PutFunctionConcurrency", state, settings::put_concurrency)
        .operation("GetFunctionConcurrency", state, settings::get_concurrency)
        .operation("DeleteFunctionConcurrency", state, settings::delete_concurrency)
        .operation("PutProvisionedConcurrencyConfig", state, provisioned::put)
        .operation("GetProvisionedConcurrencyConfig", state, provisioned::get)
        .operation("DeleteProvisionedConcurrencyConfig", state, provisioned::delete)
        .operation("ListProvisionedConcurrencyConfigs", state, provisioned::list)
        .operation("CreateAlias", state, aliases::create)
        .operation("GetAlias", state, aliases::get)
        .operation("UpdateAlias", state, aliases::update)
        .operation("DeleteAlias", state, aliases::delete)
        .operation("ListAliases", state, aliases::list)
        .operation("PublishLayerVersion", state, layers::publish)
        .operation("GetLayerVersion", state, layers::get)
        .operation("GetLayerVersionByArn", state, layers::get_by_arn)
        .operation("DeleteLayerVersion", state, layers::delete)
        .operation("ListLayers", state, layers::list)
        .operation("ListLayerVersions", state, layers::list_versions)
        .operation("AddLayerVersionPermission", state, layers::add_permission)
        .operation("RemoveLayerVersionPermission", state, layers::remove_permission)
        .operation("GetLayerVersionPolicy", state, layers::get_policy)
        .operation("AddPermission", state, permissions::add)
        .operation("RemovePermission", state, permissions::remove)
        .operation("GetPolicy", state, permissions::get)
        .operation("TagResource", state, settings::tag)
        .operation("UntagResource", state, settings::untag)
        .operation("ListTags", state, settings::list_tags)
        .operation("CreateFunctionUrlConfig", state, urls::create)
        .operation("GetFunctionUrlConfig", state, urls::get)
        .operation("UpdateFunctionUrlConfig", state, urls::update)
        .operation("DeleteFunctionUrlConfig", state, urls::delete)
        .operation("ListFunctionUrlConfigs", state, urls::list)
        .operation("PutFunctionEventInvokeConfig", state, event_invokes::put)
        .operation("UpdateFunctionEventInvokeConfig", state, event_invokes::update)
        .operation("GetFunctionEventInvokeConfig", state, event_invokes::get)
        .operation("DeleteFunctionEventInvokeConfig", state, event_invokes::delete)
        .operation("ListFunctionEventInvokeConfigs", state, event_invokes::list)
        .operation("CreateEventSourceMapping", state, sources::create)
        .operation("GetEventSourceMapping", state, sources::get)
        .operation("UpdateEventSourceMapping", state, sources::update)
        .operation("DeleteEventSourceMapping", state, sources::delete)
        .operation("ListEventSourceMappings", state, sources::list)
        .operation("GetAccountSettings", state, settings::account)
        .operation("GetFunctionRecursionConfig", state, settings::get_recursion)
        .operation("PutFunctionRecursionConfig", state, settings::put_recursion)
        .operation("GetRuntimeManagementConfig", state, settings::get_runtime_management)
        .operation("PutRuntimeManagementConfig", state, settings::put_runtime_management)
        .raw_operation("Invoke", state, invocation::invoke)
        .raw_operation("InvokeAsync", state, invocation::invoke_async)
        .raw_operation("InvokeWithResponseStream", state, invocation::invoke_with_response_stream)
}

/// A package's digest as Lambda shows it: base64.
pub(crate) fn code_sha256(code: &Code) -> String {
    BASE64_STANDARD.encode(hex::decode(&code.sha256).unwrap_or_default())
}
