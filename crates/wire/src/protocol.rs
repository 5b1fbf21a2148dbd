//! The protocols that AWS's clients speak. The set is closed.

/// How a request is written, and so its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `X-Amz-Target` and a JSON body, version 1.0.
    Json10,
    /// `X-Amz-Target` and a JSON body, version 1.1.
    Json11,
    /// `X-Amz-Target` and a CBOR body, `application/x-amz-cbor-1.1`; the AWS SDK for Java sends it to Kinesis.
    OldCbor,
    /// Method and path name the operation; the body is JSON.
    RestJson,
    /// Method and path name the operation; the body is XML.
    RestXml,
    /// A form with `Action` and `Version`; the answer is XML.
    Query,
    /// Smithy RPC v2: `/service/X/operation/Y`, bodies in CBOR.
    RpcCbor,
}

impl Protocol {
    /// The content type of an answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::OldCbor => "application/x-amz-cbor-1.1",
            Self::RestJson => "application/json",
            Self::RestXml => "application/xml",
            Self::Query => "text/xml",
            Self::RpcCbor => "application/cbor",
        }
    }

    /// Whether the operation is named by method and path, and members may stand in path, query and headers.
    pub fn is_rest(self) -> bool {
        matches!(self, Self::RestJson | Self::RestXml)
    }
}
