//! Lambda's limits, each with the unit in its name. Source: "Lambda quotas" in the AWS Lambda Developer Guide, and the service's
//! API model.

use crate::Error;
use std::time::Duration;

/// A deployment package sent in the request, zipped. One in a bucket is bounded by what it unzips to.
pub const ZIPPED_BYTES: usize = 50 << 20;
/// A request that brings a package: 50 MB in base64, and room for the rest. The number is AWS's.
pub const UPLOAD_BYTES: usize = 70_167_211;
/// A function's code and layers together, unzipped.
pub const UNZIPPED_BYTES: u64 = 262_144_000;
/// Files and directories in one package. Not AWS's number: it bounds the inodes that one upload can take.
pub const PACKAGE_ENTRIES: usize = 200_000;
/// All environment variables of a function: names and values, as JSON.
pub const ENVIRONMENT_BYTES: usize = 4096;
/// Layers of one function.
pub const LAYERS: usize = 5;
/// A function's resource policy, as JSON.
pub const POLICY_BYTES: usize = 20_480;
/// Tags of one resource.
pub const TAGS: usize = 50;
/// The payload and the answer of a synchronous call: 6 MB and room for its envelope.
pub const SYNC_PAYLOAD_BYTES: usize = 6_291_556;
/// The payload of an asynchronous call: 1 MB, as on AWS since October 2025.
pub const ASYNC_PAYLOAD_BYTES: usize = 1_048_576;
/// Calls in flight at once in one account and region.
pub const CONCURRENCY: u32 = 1000;
/// What reservations must leave of that to the functions without one.
pub const UNRESERVED_MINIMUM: u32 = 100;
/// All code of one account and region, zipped: what `GetAccountSettings` names as the limit.
pub const TOTAL_CODE_BYTES: u64 = 80_530_636_800;
/// The least and most memory of a function, in MiB.
pub const MEMORY_MB: (u32, u32) = (128, 10_240);
/// The least and most time of a function, in seconds.
pub const TIMEOUT_S: (u32, u32) = (1, 900);
/// The least and most `/tmp` of a function, in MiB.
pub const TMP_MB: (u32, u32) = (512, 10_240);
/// Entries of one page of a list, where the caller names no number.
pub const PAGE: usize = 50;
/// How much of a call's log `LogType: Tail` returns.
pub const LOG_TAIL_BYTES: usize = 4096;
/// How long a call waits for room on the machine. Not AWS's number: AWS has no machine that fills up.
pub const CAPACITY_WAIT: Duration = Duration::from_secs(60);
/// Launches under way at once. Not AWS's number: more than this only make each other slower.
pub const LAUNCHES: usize = 32;
/// A launch that takes longer waits for its function's own initialisation, and others may begin.
pub const LAUNCH_TIME: Duration = Duration::from_millis(50);
/// How long an asynchronous call may stay in the queue: AWS's default `MaximumEventAgeInSeconds`.
pub const ASYNC_AGE: Duration = Duration::from_secs(6 * 3600);
/// The wait before the first retry of an asynchronous call.
pub const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Checks that `value` lies within `limits`, in the words of a model constraint.
pub(crate) fn within(what: &str, value: u32, limits: (u32, u32)) -> Result<(), Error> {
    if (limits.0..=limits.1).contains(&value) {
        return Ok(());
    }
    let bound = if value < limits.0 {
        format!("greater than or equal to {}", limits.0)
    } else {
        format!("less than or equal to {}", limits.1)
    };
    Err(Error::invalid(format!("'{what}' value failed to satisfy constraint: Member must have value {bound}")))
}
