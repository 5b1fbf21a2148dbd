//! Why an expression cannot be used. All texts are AWS's.

use super::path::Path;
use crate::number::NumberError;
use crate::value::ValueError;
use std::fmt;

/// The parameters that hold expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ConditionExpression`.
    Condition,
    /// `FilterExpression`.
    Filter,
    /// `KeyConditionExpression`.
    KeyCondition,
    /// `ProjectionExpression`.
    Projection,
    /// `UpdateExpression`.
    Update,
}

impl Kind {
    /// As messages speak of such an expression.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Condition => "a condition expression",
            Self::Filter => "a filter expression",
            Self::KeyCondition => "a key condition expression",
            Self::Projection => "a projection expression",
            Self::Update => "an update expression",
        }
    }
}

/// The parameter's name.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        })
    }
}

/// A failure of reading or applying expressions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The text of an expression is wrong.
    #[error("Invalid {0}: {1}")]
    Invalid(Kind, Problem),
    /// `ExpressionAttributeNames` or `ExpressionAttributeValues` is there, but empty.
    #[error("{0} must not be empty")]
    NoSubstitutions(&'static str),
    /// A placeholder is not of the form that they have; the parameter, the key.
    #[error("{0} contains invalid key: Syntax error; key: \"{1}\"")]
    InvalidPlaceholder(&'static str, String),
    /// A placeholder has more than 255 bytes; the parameter, the key.
    #[error("{0} contains invalid key: The expression attribute map contains a key that is too long; key: \"{1}\"")]
    LongPlaceholder(&'static str, String),
    /// A placeholder stands for an empty name.
    #[error("ExpressionAttributeNames contains invalid value: Attribute name is empty for key {0}")]
    EmptyName(String),
    /// A placeholder stands for no value.
    #[error("ExpressionAttributeValues contains invalid value: {1} for key {0}")]
    InvalidValue(String, ValueError),
    /// A condition on keys is none.
    #[error("{0}")]
    KeyCondition(Problem),
    /// Placeholders that no expression uses; the parameter, the keys.
    #[error("Value provided in {0} unused in expressions: keys: {{{1}}}")]
    Unused(&'static str, String),
    /// `ExpressionAttributeNames` without an expression.
    #[error("ExpressionAttributeNames can only be specified when using expressions")]
    NamesWithoutExpression,
    /// `ExpressionAttributeValues` without an expression; says which are missing.
    #[error("ExpressionAttributeValues can only be specified when using expressions: {0}")]
    ValuesWithoutExpression(&'static str),
    /// An update computes with something that it cannot compute with.
    #[error("An operand in the update expression has an incorrect data type")]
    WrongType,
    /// An update reads what is not there.
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    NoAttribute,
    /// An update writes below what is no map or list.
    #[error("The document path provided in the update expression is invalid for update")]
    InvalidPath,
    /// The item would be too large after the update.
    #[error("Item size to update has exceeded the maximum allowed size")]
    ItemTooLarge,
    /// A value would be no value after the update.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A key's condition is missing; names the key.
    #[error("Query condition missed key schema element: {0}")]
    MissedKey(String),
    /// A key cannot be compared like this.
    #[error("Query key condition not supported")]
    KeyConditionNotSupported,
    /// Older parameters and expressions in one request.
    #[error(
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {{{0}}} Expression \
         parameters: {{{1}}}"
    )]
    MixedParameters(String, String),
    /// An older parameter is wrong.
    #[error("One or more parameter values were invalid: {0}")]
    InvalidParameter(String),
    /// An older parameter is wrong in a way that has a sentence of its own.
    #[error("{0}")]
    Legacy(&'static str),
    /// A statement of PartiQL is wrong.
    #[error("Statement wasn't well formed, can't be processed: {0}")]
    Statement(String),
    /// A statement of PartiQL cannot be executed.
    #[error("{0}")]
    Unsupported(String),
}

impl From<NumberError> for ExpressionError {
    fn from(error: NumberError) -> Self {
        Self::Value(error.into())
    }
}

/// What is wrong with the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is none.
    #[error("The expression can not be empty;")]
    Empty,
    /// It is longer than 4,096 bytes.
    #[error("Expression size has exceeded the maximum allowed size; expression size: {0}")]
    TooLong(usize),
    /// It does not follow the grammar at a token.
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax {
        /// The token.
        token: String,
        /// The token with the ones beside it.
        near: String,
    },
    /// Parentheses directly in parentheses.
    #[error("The expression has redundant parentheses;")]
    RedundantParentheses,
    /// More than 300 operators and functions.
    #[error("The expression contains too many operators; operator count: {0}")]
    TooManyOperators(usize),
    /// More than 100 values to compare with.
    #[error("The IN operator is provided with too many operands; number of operands: {0}")]
    TooManyOperands(usize),
    /// A name that needs a placeholder.
    #[error("Attribute name is a reserved keyword; reserved keyword: {0}")]
    Reserved(String),
    /// `#name` is not in `ExpressionAttributeNames`.
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    UndefinedName(String),
    /// `:value` is not in `ExpressionAttributeValues`.
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    UndefinedValue(String),
    /// More than 32 levels.
    #[error("The document path has too many nesting elements; nesting levels: {0}")]
    PathTooDeep(usize),
    /// A list's index that no list has.
    #[error("List index is not within the allowable range; index: [{0}]")]
    IndexOutOfRange(String),
    /// There is no such function.
    #[error("Invalid function name; function: {0}")]
    UnknownFunction(String),
    /// A function of another kind of expressions.
    #[error("The function is not allowed in {0}; function: {1}")]
    FunctionNotAllowed(&'static str, &'static str),
    /// A function's result is not what the place takes.
    #[error("The function is not allowed to be used this way in an expression; function: {0}")]
    FunctionMisplaced(&'static str),
    /// Too few or too many operands.
    #[error(
        "Incorrect number of operands for operator or function; operator or function: {0}, number of operands: {1}"
    )]
    OperandCount(&'static str, usize),
    /// A value where only a path can be.
    #[error("Operator or function requires a document path; operator or function: {0}")]
    PathRequired(&'static str),
    /// A value of a type that the operator does not take.
    #[error("Incorrect operand type for operator or function; operator or function: {0}, operand type: {1}")]
    OperandType(&'static str, &'static str),
    /// A value of a type that `ADD` or `DELETE` does not take.
    #[error(
        "Incorrect operand type for operator or function; operator: {0}, operand type: {1}, typeSet: ALLOWED_FOR_{0}_OPERAND"
    )]
    ActionType(&'static str, &'static str),
    /// Something compared with itself.
    #[error(
        "The first operand must be distinct from the remaining operands for this operator or function; operator: {0}, first operand: {1}"
    )]
    SameOperands(&'static str, Path),
    /// There is no such type.
    #[error("Invalid attribute type name found; type: {0}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}")]
    UnknownType(String),
    /// `BETWEEN` with bounds of two types.
    #[error(
        "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {0}, upper bound \
         operand: AttributeValue: {1}"
    )]
    BoundTypes(String, String),
    /// `BETWEEN` with the greater bound first.
    #[error(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {0}, \
         upper bound operand: AttributeValue: {1}"
    )]
    BoundOrder(String, String),
    /// A clause of an update stands twice.
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    RepeatedSection(&'static str),
    /// A path is, or is in, another one.
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {0}, path two: {1}"
    )]
    Overlap(Path, Path),
    /// One path takes for a list what the other one takes for a map.
    #[error(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: {0}, path two: {1}"
    )]
    Conflict(Path, Path),
    /// An operator that conditions on keys cannot have.
    #[error("Invalid operator used in KeyConditionExpression: {0}")]
    KeyOperator(&'static str),
    /// Two conditions on one key.
    #[error("KeyConditionExpressions must only contain one condition per key")]
    RepeatedKey,
    /// A key is an attribute, not a part of one.
    #[error("KeyConditionExpressions cannot have conditions on nested attributes")]
    NestedKey,
    /// A condition between attributes.
    #[error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")]
    SeveralKeys,
    /// A condition without an attribute.
    #[error("Invalid condition in KeyConditionExpression: No key attribute specified")]
    NoKey,
    /// The key is not what the operator looks at.
    #[error(
        "Invalid condition in KeyConditionExpression: {0} operator must have the key attribute as its first operand"
    )]
    KeyNotFirst(&'static str),
}
