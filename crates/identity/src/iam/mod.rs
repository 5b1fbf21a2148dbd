//! The IAM API: one line for each operation that works.

mod faults;
mod policies;
mod role_policies;
mod roles;
mod shapes;
mod users;

use crate::Identity;
use fogbank_wire::Service;
use std::sync::Arc;

pub(crate) fn service(identity: &Arc<Identity>) -> Service {
    Service::new("iam")
        .operation("AttachRolePolicy", identity, role_policies::attach)
        .operation("CreateAccessKey", identity, users::create_access_key)
        .operation("CreatePolicy", identity, policies::create)
        .operation("CreatePolicyVersion", identity, policies::create_version)
        .operation("CreateRole", identity, roles::create)
        .operation("CreateUser", identity, users::create)
        .operation("DeleteAccessKey", identity, users::delete_access_key)
        .operation("DeletePolicy", identity, policies::delete)
        .operation("DeletePolicyVersion", identity, policies::delete_version)
        .operation("DeleteRole", identity, roles::delete)
        .operation("DeleteRolePolicy", identity, role_policies::delete_inline)
        .operation("DeleteUser", identity, users::delete)
        .operation("DetachRolePolicy", identity, role_policies::detach)
        .operation("GetPolicy", identity, policies::get)
        .operation("GetPolicyVersion", identity, policies::get_version)
        .operation("GetRole", identity, roles::get)
        .operation("GetRolePolicy", identity, role_policies::get_inline)
        .operation("GetUser", identity, users::get)
        .operation("ListAccessKeys", identity, users::list_access_keys)
        .operation("ListAccountAliases", identity, users::list_account_aliases)
        .operation("ListAttachedRolePolicies", identity, role_policies::list_attached)
        .operation("ListEntitiesForPolicy", identity, policies::list_entities)
        .operation("ListInstanceProfilesForRole", identity, roles::list_instance_profiles)
        .operation("ListPolicies", identity, policies::list)
        .operation("ListPolicyVersions", identity, policies::list_versions)
        .operation("ListRolePolicies", identity, role_policies::list_inline)
        .operation("ListRoleTags", identity, roles::list_tags)
        .operation("ListRoles", identity, roles::list)
        .operation("ListUsers", identity, users::list)
        .operation("PutRolePolicy", identity, role_policies::put_inline)
        .operation("SetDefaultPolicyVersion", identity, policies::set_default)
        .operation("TagRole", identity, roles::tag)
        .operation("UntagRole", identity, roles::untag)
        .operation("UpdateAccessKey", identity, users::update_access_key)
        .operation("UpdateAssumeRolePolicy", identity, roles::update_trust)
        .operation("UpdateRole", identity, roles::update)
        .operation("UpdateRoleDescription", identity, roles::update_description)
}
