//! Why an operation on parameters fails. Texts are AWS's where AWS has one; `ssm/faults.rs` maps them to the wire.

/// A failure of an operation on parameters.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such parameter.
    #[error("Parameter {0} not found.")]
    NotFound(String),
    /// There is a parameter, but not of that version.
    #[error("Systems Manager could not find version {version} of {name}. Verify the version and try again.")]
    NoVersion {
        /// The parameter.
        name: String,
        /// The version.
        version: String,
    },
    /// There is one of the name.
    #[error("The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")]
    Exists,
    /// The value does not match the parameter's pattern.
    #[error("Parameter value, cannot be validated against allowedPattern: {0}")]
    Mismatch(String),
    /// Not a pattern.
    #[error("The allowed pattern {0} is not a regular expression.")]
    InvalidPattern(String),
    /// What is tagged is no parameter that is there.
    #[error("The resource ID is not valid. Verify that you entered the correct ID and try again.")]
    InvalidResource,
    /// Only parameters have tags here.
    #[error("The resource type is not valid. Parameters are the only resources of Systems Manager here.")]
    InvalidResourceType,
    /// More than a parameter can have.
    #[error("A parameter has at most 50 tags.")]
    TooManyTags,
    /// A filter that is not known.
    #[error("{0}")]
    InvalidFilter(String),
    /// A token that no answer gave.
    #[error("The specified token is not valid.")]
    InvalidToken,
    /// A request for what this platform does not do.
    #[error("{0} is not supported by Fogbank yet.")]
    Unsupported(&'static str),
    /// A parameter of the request cannot have its value.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] fogbank_store::Error),
}
