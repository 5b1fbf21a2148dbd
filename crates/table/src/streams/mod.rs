//! The DynamoDB Streams API: one line per operation. The only place that knows how change streams look on the wire.

mod cursor;
mod handlers;
mod shapes;

use crate::Tables;
use fogbank_wire::Service;
use std::sync::Arc;

/// The operations on the change streams of `tables`, for the shape table `dynamodbstreams`.
pub fn service(tables: Arc<Tables>) -> Service {
    let state = &tables;
    Service::new("dynamodbstreams")
        .checksummed()
        .operation("ListStreams", state, handlers::list)
        .operation("DescribeStream", state, handlers::describe)
        .operation("GetShardIterator", state, handlers::iterator)
        .operation("GetRecords", state, handlers::records)
}
