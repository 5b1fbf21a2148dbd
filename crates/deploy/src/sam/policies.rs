//! The `Policies` of a serverless function: managed policies by name or ARN, documents, and SAM's policy templates.

use crate::problem::Problem;
use crate::sam::sub;
use crate::tree::{Kind, Node};
use serde_json::json;

/// A policy for a function's role.
pub(super) enum Policy {
    /// The ARN of a managed policy.
    Managed(Node),
    /// A document.
    Inline(Node),
}

/// Reads one item of `Policies`.
pub(super) fn read(item: &Node) -> Result<Policy, Problem> {
    if item.as_call().is_some() {
        return Ok(Policy::Managed(item.clone()));
    }
    match &item.kind {
        Kind::Scalar { text, .. } if text.starts_with("arn:") => Ok(Policy::Managed(item.clone())),
        Kind::Scalar { text, .. } => Ok(Policy::Managed(Node::text(item.at, managed_arn(text)))),
        Kind::Map(_) if item.get("Statement").is_some() => {
            let mut document = item.clone();
            if document.get("Version").is_none() {
                document.set("Version", Node::text(item.at, "2012-10-17"));
            }
            Ok(Policy::Inline(document))
        }
        Kind::Map(entries) => match entries.as_slice() {
            [(key, parameters)] => from_template(&key.text, parameters, key.at),
            _ => {
                Err(Problem::at(item.at, "a policy is a name, an ARN, a document with Statement, or a policy template"))
            }
        },
        _ => Err(Problem::at(item.at, "a policy is a name, an ARN, a document with Statement, or a policy template")),
    }
}

/// The policies for Lambda roles live under a path of their own.
fn managed_arn(name: &str) -> String {
    let path = if name.starts_with("AWSLambda") && name.ends_with("Role") || name == "AWSLambdaVPCAccessExecutionRole" {
        "service-role/"
    } else {
        ""
    };
    format!("arn:aws:iam::aws:policy/{path}{name}")
}

/// One of SAM's policy templates: what it allows, on what, with `${NAME}` where a parameter goes.
struct Template {
    name: &'static str,
    actions: &'static [&'static str],
    resources: &'static [&'static str],
}

const TABLE: &str = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}";
const TABLE_INDEXES: &str =
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}/index/*";
const QUEUE: &str = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${QueueName}";
const BUCKET: &str = "arn:${AWS::Partition}:s3:::${BucketName}";
const OBJECTS: &str = "arn:${AWS::Partition}:s3:::${BucketName}/*";

const TEMPLATES: &[Template] = &[
    Template {
        name: "DynamoDBCrudPolicy",
        actions: &[
            "dynamodb:GetItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:Scan",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
            "dynamodb:ConditionCheckItem",
        ],
        resources: &[TABLE, TABLE_INDEXES],
    },
    Template {
        name: "DynamoDBReadPolicy",
        actions: &[
            "dynamodb:GetItem",
            "dynamodb:Scan",
            "dynamodb:Query",
            "dynamodb:BatchGetItem",
            "dynamodb:DescribeTable",
        ],
        resources: &[TABLE, TABLE_INDEXES],
    },
    Template {
        name: "DynamoDBWritePolicy",
        actions: &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"],
        resources: &[TABLE, TABLE_INDEXES],
    },
    Template {
        name: "EventBridgePutEventsPolicy",
        actions: &["events:PutEvents"],
        resources: &["arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"],
    },
    Template {
        name: "LambdaInvokePolicy",
        actions: &["lambda:InvokeFunction"],
        resources: &["arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${FunctionName}*"],
    },
    Template {
        name: "S3CrudPolicy",
        actions: &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:GetLifecycleConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:DeleteObject",
        ],
        resources: &[BUCKET, OBJECTS],
    },
    Template {
        name: "S3FullAccessPolicy",
        actions: &[
            "s3:GetObject",
            "s3:GetObjectAcl",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:DeleteObject",
            "s3:DeleteObjectTagging",
            "s3:DeleteObjectVersionTagging",
            "s3:GetObjectTagging",
            "s3:GetObjectVersionTagging",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetLifecycleConfiguration",
            "s3:PutLifecycleConfiguration",
        ],
        resources: &[BUCKET, OBJECTS],
    },
    Template {
        name: "S3ReadPolicy",
        actions: &[
            "s3:GetObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
            "s3:GetObjectVersion",
            "s3:GetLifecycleConfiguration",
        ],
        resources: &[BUCKET, OBJECTS],
    },
    Template {
        name: "S3WritePolicy",
        actions: &["s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"],
        resources: &[BUCKET, OBJECTS],
    },
    Template {
        name: "SNSCrudPolicy",
        actions: &[
            "sns:ListSubscriptionsByTopic",
            "sns:CreateTopic",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:Publish",
        ],
        resources: &["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${TopicName}*"],
    },
    Template {
        name: "SNSPublishMessagePolicy",
        actions: &["sns:Publish"],
        resources: &["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${TopicName}"],
    },
    Template {
        name: "SQSPollerPolicy",
        actions: &[
            "sqs:ChangeMessageVisibility",
            "sqs:ChangeMessageVisibilityBatch",
            "sqs:DeleteMessage",
            "sqs:DeleteMessageBatch",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ],
        resources: &[QUEUE],
    },
    Template { name: "SQSSendMessagePolicy", actions: &["sqs:SendMessage*"], resources: &[QUEUE] },
    Template {
        name: "SSMParameterReadPolicy",
        actions: &["ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"],
        resources: &["arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ParameterName}"],
    },
    Template {
        name: "StepFunctionsExecutionPolicy",
        actions: &["states:StartExecution"],
        resources: &["arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${StateMachineName}"],
    },
];

fn from_template(name: &str, parameters: &Node, at: crate::problem::Position) -> Result<Policy, Problem> {
    let Some(template) = TEMPLATES.iter().find(|template| template.name == name) else {
        let known: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        let text = format!("the policy template '{name}' is not supported; these are: {}", known.join(", "));
        return Err(Problem::at(at, text));
    };
    let resource = |pattern: &&str| {
        let mut node = sub(at, pattern);
        if let Some(argument) = node.remove("Fn::Sub") {
            node.set("Fn::Sub", Node::list(at, vec![argument, parameters.clone()]));
        }
        node
    };
    let needed = template.resources.iter().flat_map(|pattern| pattern.split("${").skip(1));
    for parameter in needed.filter_map(|rest| rest.split('}').next()).filter(|name| !name.starts_with("AWS::")) {
        if parameters.get(parameter).is_none() {
            return Err(Problem::at(parameters.at, format!("the policy template {name} needs {parameter}")));
        }
    }
    let actions = Node::from_json(at, &json!(template.actions));
    let resources = Node::list(at, template.resources.iter().map(resource).collect());
    let statement = Node::map(at, [("Effect", Node::text(at, "Allow")), ("Action", actions), ("Resource", resources)]);
    let version = Node::text(at, "2012-10-17");
    Ok(Policy::Inline(Node::map(at, [("Version", version), ("Statement", Node::list(at, vec![statement]))])))
}
