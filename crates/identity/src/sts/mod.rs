//! The STS API: one line for each operation that works.

mod faults;
mod handlers;
mod shapes;

use crate::Identity;
use fogbank_wire::Service;
use std::sync::Arc;

pub(crate) fn service(identity: &Arc<Identity>) -> Service {
    Service::new("sts")
        .operation("AssumeRole", identity, handlers::assume_role)
        .operation("GetAccessKeyInfo", identity, handlers::get_access_key_info)
        .operation("GetCallerIdentity", identity, handlers::get_caller_identity)
        .operation("GetSessionToken", identity, handlers::get_session_token)
}
