//! The Lambda API: one line per operation. The only place that knows how functions look on the wire.

mod faults;
mod functions;
mod invocation;
mod settings;
mod shapes;

use crate::Functions;
use crate::model::Code;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fogbank_wire::Service;
use std::sync::Arc;

/// Lambda's operations on `functions`, for the shape table `lambda`.
pub fn service(functions: Arc<Functions>) -> Service {
    let state = &functions;
    Service::new("lambda")
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
        .raw_operation("Invoke", state, invocation::invoke)
        .raw_operation("InvokeAsync", state, invocation::invoke_async)
        .raw_operation("InvokeWithResponseStream", state, invocation::invoke_with_response_stream)
}

/// A package's digest as Lambda shows it: base64.
pub(crate) fn code_sha256(code: &Code) -> String {
    BASE64_STANDARD.encode(hex::decode(&code.sha256).unwrap_or_default())
}

#[cfg(test)]
mod tests;
