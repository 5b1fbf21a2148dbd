//! The Kinesis Data Streams API: one line per operation. The only place that knows how streams look on the wire.

mod account;
mod address;
mod consumers;
mod faults;
mod readings;
mod records;
mod resources;
mod settings;
mod shapes;
mod shards;
mod streams;
mod subscriptions;

use crate::Streams;
use fogbank_wire::Service;
use std::sync::Arc;

/// Bytes of a request with records: 10 MiB of them in base64, and what is around them.
const BODY: usize = 20 << 20;

/// Kinesis's operations on `streams`, for the shape table `kinesis`.
pub fn service(streams: Arc<Streams>) -> Service {
    let state = &streams;
    Service::new("kinesis")
        .body_limit("PutRecord", BODY)
        .body_limit("PutRecords", BODY)
        .operation("CreateStream", state, streams::create)
        .operation("DeleteStream", state, streams::delete)
        .operation("DescribeStream", state, streams::describe)
        .operation("DescribeStreamSummary", state, streams::summarise)
        .operation("ListStreams", state, streams::list)
        .operation("ListShards", state, shards::list)
        .operation("SplitShard", state, shards::split)
        .operation("MergeShards", state, shards::merge)
        .operation("UpdateShardCount", state, shards::rescale)
        .operation("PutRecord", state, records::put)
        .operation("PutRecords", state, records::put_all)
        .operation("GetShardIterator", state, readings::iterator)
        .operation("GetRecords", state, readings::get)
        .operation("IncreaseStreamRetentionPeriod", state, settings::retain_longer)
        .operation("DecreaseStreamRetentionPeriod", state, settings::retain_shorter)
        .operation("StartStreamEncryption", state, settings::encrypt)
        .operation("StopStreamEncryption", state, settings::stop_encrypting)
        .operation("EnableEnhancedMonitoring", state, settings::monitor)
        .operation("DisableEnhancedMonitoring", state, settings::stop_monitoring)
        .operation("UpdateStreamMode", state, settings::set_mode)
        .operation("UpdateStreamWarmThroughput", state, settings::warm)
        .operation("UpdateMaxRecordSize", state, settings::limit_records)
        .operation("UpdateStreamRecordDistributionStrategy", state, settings::distribute)
        .operation("AddTagsToStream", state, resources::add_to_stream)
        .operation("RemoveTagsFromStream", state, resources::remove_from_stream)
        .operation("ListTagsForStream", state, resources::list_of_stream)
        .operation("TagResource", state, resources::tag)
        .operation("UntagResource", state, resources::untag)
        .operation("ListTagsForResource", state, resources::list_tags)
        .operation("PutResourcePolicy", state, resources::put_policy)
        .operation("GetResourcePolicy", state, resources::get_policy)
        .operation("DeleteResourcePolicy", state, resources::delete_policy)
        .operation("RegisterStreamConsumer", state, consumers::register)
        .operation("DeregisterStreamConsumer", state, consumers::deregister)
        .operation("DescribeStreamConsumer", state, consumers::describe)
        .operation("ListStreamConsumers", state, consumers::list)
        .raw_operation("SubscribeToShard", state, subscriptions::subscribe)
        .operation("DescribeLimits", state, account::limits)
        .operation("DescribeAccountSettings", state, account::settings)
        .operation("UpdateAccountSettings", state, account::update_settings)
}
