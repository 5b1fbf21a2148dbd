//! The SNS API: one line per operation. The only place that knows how topics look on the wire.

mod address;
mod faults;
mod mobile;
mod publishing;
mod shapes;
mod subscriptions;
mod texting;
mod topics;

use crate::Topics;
use fogbank_wire::Service;
use std::sync::Arc;

/// SNS's operations on `topics`, for the shape table `sns`.
pub fn service(topics: Arc<Topics>) -> Service {
    let state = &topics;
    Service::new("sns")
        // The query protocol cannot tell an empty map from none.
        .tolerates(|violation| violation.is_missing() && violation.path == "attributes")
        // Whoever has the token may confirm, and whoever has a notification may end its subscription.
        .unsigned("ConfirmSubscription")
        .unsigned("Unsubscribe")
        .operation("CreateTopic", state, topics::create)
        .operation("DeleteTopic", state, topics::delete)
        .operation("ListTopics", state, topics::list)
        .operation("GetTopicAttributes", state, topics::get_attributes)
        .operation("SetTopicAttributes", state, topics::set_attributes)
        .operation("AddPermission", state, topics::add_permission)
        .operation("RemovePermission", state, topics::remove_permission)
        .operation("TagResource", state, topics::tag)
        .operation("UntagResource", state, topics::untag)
        .operation("ListTagsForResource", state, topics::list_tags)
        .operation("GetDataProtectionPolicy", state, topics::get_data_protection)
        .operation("PutDataProtectionPolicy", state, topics::put_data_protection)
        .operation("Subscribe", state, subscriptions::subscribe)
        .operation("ConfirmSubscription", state, subscriptions::confirm)
        .operation("Unsubscribe", state, subscriptions::unsubscribe)
        .operation("ListSubscriptions", state, subscriptions::list)
        .operation("ListSubscriptionsByTopic", state, subscriptions::list_by_topic)
        .operation("GetSubscriptionAttributes", state, subscriptions::get_attributes)
        .operation("SetSubscriptionAttributes", state, subscriptions::set_attributes)
        .operation("Publish", state, publishing::publish)
        .operation("PublishBatch", state, publishing::publish_batch)
        .operation("CreatePlatformApplication", state, mobile::create_application)
        .operation("DeletePlatformApplication", state, mobile::delete_application)
        .operation("GetPlatformApplicationAttributes", state, mobile::get_application)
        .operation("SetPlatformApplicationAttributes", state, mobile::set_application)
        .operation("ListPlatformApplications", state, mobile::list_applications)
        .operation("CreatePlatformEndpoint", state, mobile::create_device)
        .operation("DeleteEndpoint", state, mobile::delete_device)
        .operation("GetEndpointAttributes", state, mobile::get_device)
        .operation("SetEndpointAttributes", state, mobile::set_device)
        .operation("ListEndpointsByPlatformApplication", state, mobile::list_devices)
        .operation("GetSMSAttributes", state, texting::get_attributes)
        .operation("SetSMSAttributes", state, texting::set_attributes)
        .operation("CheckIfPhoneNumberIsOptedOut", state, texting::is_opted_out)
        .operation("ListPhoneNumbersOptedOut", state, texting::list_opted_out)
        .operation("OptInPhoneNumber", state, texting::opt_in)
        .operation("ListOriginationNumbers", state, texting::list_origination_numbers)
        .operation("CreateSMSSandboxPhoneNumber", state, texting::create_number)
        .operation("DeleteSMSSandboxPhoneNumber", state, texting::delete_number)
        .operation("VerifySMSSandboxPhoneNumber", state, texting::verify_number)
        .operation("ListSMSSandboxPhoneNumbers", state, texting::list_numbers)
        .operation("GetSMSSandboxAccountStatus", state, texting::status)
}
