//! Policies that AWS keeps for everybody, as far as functions use them. Their ARNs are `arn:aws:iam::aws:policy` and the path.

/// A policy of AWS's own.
pub(crate) struct AwsManaged {
    /// With the name at its end, such as `/service-role/AWSLambdaBasicExecutionRole`.
    pub path: &'static str,
    pub description: &'static str,
    /// What each statement allows, on every resource.
    pub actions: &'static [&'static str],
}

const LOGS: [&str; 3] = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];

/// Sorted by path.
static ALL: &[AwsManaged] = &[
    AwsManaged {
        path: "/AWSCloudFormationFullAccess",
        description: "Provides full access to AWS CloudFormation.",
        actions: &["cloudformation:*"],
    },
    AwsManaged {
        path: "/AWSCloudFormationReadOnlyAccess",
        description: "Provides access to AWS CloudFormation via the AWS Management Console.",
        actions: &[
            "cloudformation:Describe*",
            "cloudformation:EstimateTemplateCost",
            "cloudformation:Get*",
            "cloudformation:List*",
            "cloudformation:ValidateTemplate",
        ],
    },
    AwsManaged {
        path: "/AWSLambda_FullAccess",
        description: "Grants full access to AWS Lambda service.",
        actions: &["lambda:*"],
    },
    AwsManaged {
        path: "/AWSLambda_ReadOnlyAccess",
        description: "Grants read-only access to AWS Lambda service.",
        actions: &["lambda:Get*", "lambda:List*"],
    },
    AwsManaged {
        path: "/AWSStepFunctionsFullAccess",
        description: "Provides full access to AWS Step Functions.",
        actions: &["states:*"],
    },
    AwsManaged {
        path: "/AWSXRayDaemonWriteAccess",
        description: "Allow the AWS X-Ray Daemon to relay raw trace segments data to the service's API.",
        actions: &["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    },
    AwsManaged {
        path: "/AdministratorAccess",
        description: "Provides full access to AWS services and resources.",
        actions: &["*"],
    },
    AwsManaged {
        path: "/AmazonDynamoDBFullAccess",
        description: "Provides full access to Amazon DynamoDB.",
        actions: &["dynamodb:*"],
    },
    AwsManaged {
        path: "/AmazonDynamoDBReadOnlyAccess",
        description: "Provides read only access to Amazon DynamoDB.",
        actions: &[
            "dynamodb:Get*",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:Describe*",
            "dynamodb:List*",
        ],
    },
    AwsManaged {
        path: "/AmazonEventBridgeFullAccess",
        description: "Provides full access to Amazon EventBridge.",
        actions: &["events:*"],
    },
    AwsManaged {
        path: "/AmazonKinesisFullAccess",
        description: "Provides full access to all streams.",
        actions: &["kinesis:*"],
    },
    AwsManaged { path: "/AmazonS3FullAccess", description: "Provides full access to all buckets.", actions: &["s3:*"] },
    AwsManaged {
        path: "/AmazonS3ReadOnlyAccess",
        description: "Provides read only access to all buckets.",
        actions: &["s3:Get*", "s3:List*", "s3:Describe*"],
    },
    AwsManaged {
        path: "/AmazonSNSFullAccess",
        description: "Provides full access to Amazon SNS.",
        actions: &["sns:*"],
    },
    AwsManaged {
        path: "/AmazonSQSFullAccess",
        description: "Provides full access to Amazon SQS.",
        actions: &["sqs:*"],
    },
    AwsManaged {
        path: "/AmazonSSMReadOnlyAccess",
        description: "Provides read only access to Amazon SSM.",
        actions: &["ssm:Describe*", "ssm:Get*", "ssm:List*"],
    },
    AwsManaged {
        path: "/CloudWatchLambdaInsightsExecutionRolePolicy",
        description: "Policy required for the Lambda Insights Extension.",
        actions: &LOGS,
    },
    AwsManaged {
        path: "/CloudWatchLogsFullAccess",
        description: "Provides full access to CloudWatch Logs.",
        actions: &["logs:*"],
    },
    AwsManaged {
        path: "/ReadOnlyAccess",
        description: "Provides read-only access to AWS services and resources.",
        actions: &[
            "apigateway:GET",
            "cloudformation:Describe*",
            "cloudformation:Get*",
            "cloudformation:List*",
            "dynamodb:BatchGet*",
            "dynamodb:Describe*",
            "dynamodb:Get*",
            "dynamodb:List*",
            "dynamodb:Query",
            "dynamodb:Scan",
            "events:Describe*",
            "events:List*",
            "iam:Get*",
            "iam:List*",
            "kinesis:Describe*",
            "kinesis:Get*",
            "kinesis:List*",
            "lambda:Get*",
            "lambda:List*",
            "logs:Describe*",
            "logs:FilterLogEvents",
            "logs:Get*",
            "logs:ListTagsLogGroup",
            "s3:Get*",
            "s3:List*",
            "scheduler:Get*",
            "scheduler:List*",
            "sns:Get*",
            "sns:List*",
            "sqs:Get*",
            "sqs:List*",
            "ssm:Describe*",
            "ssm:Get*",
            "ssm:List*",
            "sts:GetCallerIdentity",
        ],
    },
    AwsManaged {
        path: "/SecretsManagerReadWrite",
        description: "Provides read/write access to AWS Secrets Manager.",
        actions: &["secretsmanager:*"],
    },
    AwsManaged {
        path: "/service-role/AWSLambdaBasicExecutionRole",
        description: "Provides write permissions to CloudWatch Logs.",
        actions: &LOGS,
    },
    AwsManaged {
        path: "/service-role/AWSLambdaDynamoDBExecutionRole",
        description: "Provides list and read access to DynamoDB streams and write permissions to CloudWatch logs.",
        actions: &[
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    },
    AwsManaged {
        path: "/service-role/AWSLambdaKinesisExecutionRole",
        description: "Provides list and read access to Kinesis streams and write permissions to CloudWatch logs.",
        actions: &[
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:ListStreams",
            "kinesis:SubscribeToShard",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    },
    AwsManaged {
        path: "/service-role/AWSLambdaRole",
        description: "Default policy for AWS Lambda service role.",
        actions: &["lambda:InvokeFunction"],
    },
    AwsManaged {
        path: "/service-role/AWSLambdaSQSQueueExecutionRole",
        description: "Provides receive message, delete message, and read attribute access to SQS queues, and write permissions to \
                      CloudWatch logs.",
        actions: &[
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        ],
    },
    AwsManaged {
        path: "/service-role/AWSLambdaVPCAccessExecutionRole",
        description: "Provides minimum permissions for a Lambda function to execute while accessing a resource within a VPC.",
        actions: &[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ],
    },
];

const PREFIX: &str = "arn:aws:iam::aws:policy";

impl AwsManaged {
    pub fn all() -> &'static [Self] {
        ALL
    }

    pub fn find(arn: &str) -> Option<&'static Self> {
        let path = arn.strip_prefix(PREFIX)?;
        ALL.iter().find(|policy| policy.path == path)
    }

    /// Whether `arn` belongs to AWS, known or not.
    pub fn owns(arn: &str) -> bool {
        arn.starts_with(PREFIX)
    }

    pub fn arn(&self) -> String {
        format!("{PREFIX}{}", self.path)
    }

    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The path with a slash at its end and without the name.
    pub fn folder(&self) -> &'static str {
        self.path.strip_suffix(self.name()).unwrap_or("/")
    }

    pub fn document(&self) -> String {
        let actions: Vec<String> = self.actions.iter().map(|action| format!("\"{action}\"")).collect();
        let actions = actions.join(",");
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[{actions}],\"Resource\":\"*\"}}]}}"
        )
    }
}
