//! The words every part of Fogbank shares: names and ARNs, who is calling, what time it is, what a text with wildcards matches, and the narrow traits through
//! which services reach each other without depending on each other. No I/O happens here.

mod arn;
mod arrivals;
mod clock;
mod context;
mod function;
mod invoke;
mod log;
mod object;
mod wildcard;

pub use arn::{AccountId, Arn, InvalidName, Region};
pub use arrivals::Arrivals;
pub use clock::{Clock, SteadyClock, SystemClock, TestClock, Timestamp};
pub use context::{Caller, RequestContext, RequestId};
pub use function::{FunctionName, FunctionRef, Qualifier};
pub use invoke::{Invocation, Invoke, InvokeError, Reply, ReplyStream, StreamEnd};
pub use log::{LogSink, LogStream};
pub use object::{ObjectError, ObjectName, ReadObject};
pub use wildcard::{matches_parts, matches_wildcard};

/// A future with its type erased, as dispatch tables and the shared traits return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
