"""A stack's tags: a change of a template reaches every kind of resource that has tags, through the service's own operations."""

import pytest

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
CODE = "def handler(event, context):\n    pass\n"
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
}


def listed(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def by_key(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


# Of each kind: its type, its properties without tags, in which form it takes them, and how they are read: by its client, physical id and ARN.
KINDS = {
    "role": (
        "AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}, listed,
        lambda aws, name, arn: by_key(aws("iam").list_role_tags(RoleName=name)["Tags"]),
    ),
    "queue": ("AWS::SQS::Queue", {}, listed, lambda aws, url, arn: aws("sqs").list_queue_tags(QueueUrl=url).get("Tags", {})),
    "topic": (
        "AWS::SNS::Topic", {}, listed,
        lambda aws, name, arn: by_key(aws("sns").list_tags_for_resource(ResourceArn=name)["Tags"]),
    ),
    "stream": (
        "AWS::Kinesis::Stream", {"ShardCount": 1}, listed,
        lambda aws, name, arn: by_key(aws("kinesis").list_tags_for_stream(StreamName=name)["Tags"]),
    ),
    "table": (
        "AWS::DynamoDB::Table", TABLE, listed,
        lambda aws, name, arn: by_key(aws("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]),
    ),
    "function": (
        "AWS::Lambda::Function",
        {"Runtime": "python3.11", "Handler": "index.handler", "Code": {"ZipFile": CODE}, "Role": "arn:aws:iam::000000000000:role/r"},
        listed,
        lambda aws, name, arn: aws("lambda").list_tags(Resource=arn)["Tags"],
    ),
    "bus": (
        "AWS::Events::EventBus", {"Name": "tagged"}, listed,
        lambda aws, name, arn: by_key(aws("events").list_tags_for_resource(ResourceARN=arn)["Tags"]),
    ),
    "rule": (
        "AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)"}, listed,
        lambda aws, name, arn: by_key(aws("events").list_tags_for_resource(ResourceARN=arn)["Tags"]),
    ),
    "schedule group": (
        "AWS::Scheduler::ScheduleGroup", {}, listed,
        lambda aws, name, arn: by_key(aws("scheduler").list_tags_for_resource(ResourceArn=arn)["Tags"]),
    ),
    "bucket": (
        "AWS::S3::Bucket", {}, listed,
        lambda aws, name, arn: by_key(aws("s3").get_bucket_tagging(Bucket=name)["TagSet"]),
    ),
    "HTTP API": (
        "AWS::ApiGatewayV2::Api", {"Name": "a", "ProtocolType": "HTTP"}, dict,
        lambda aws, name, arn: aws("apigatewayv2").get_tags(ResourceArn=f"arn:aws:apigateway:us-east-1::/apis/{name}")["Tags"],
    ),
    "REST API": (
        "AWS::ApiGateway::RestApi", {"Name": "a"}, listed,
        lambda aws, name, arn: aws("apigateway").get_tags(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{name}")["tags"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_tags_reaches_the_resource(application, aws, kind):
    type_name, properties, form, read = KINDS[kind]

    def template(tags):
        resource = {"Type": type_name, "Properties": {**properties, "Tags": form(tags)}}
        outputs = {} if type_name.startswith("AWS::ApiGateway") or kind == "topic" else {"Arn": {"Value": {"Fn::GetAtt": ["R", "Arn"]}}}
        return {"template.yaml": {"Resources": {"R": resource}, "Outputs": outputs}}

    app = application(template({"kept": "1", "changed": "1", "dropped": "1"}))
    app.deploy()
    before = read(aws, app.resources["R"], app.outputs.get("Arn"))
    assert {"kept": "1", "changed": "1", "dropped": "1"}.items() <= before.items()
    app.write(template({"kept": "1", "changed": "2"}))
    app.deploy()
    after = read(aws, app.resources["R"], app.outputs.get("Arn"))
    assert {"kept": "1", "changed": "2"}.items() <= after.items() and "dropped" not in after


def test_a_change_of_tags_reaches_a_consumer(application, aws):
    def template(tags):
        consumer = {"StreamARN": {"Fn::GetAtt": ["S", "Arn"]}, "ConsumerName": "c", "Tags": listed(tags)}
        resources = {
            "S": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
            "C": {"Type": "AWS::Kinesis::StreamConsumer", "Properties": consumer},
        }
        return {"template.yaml": {"Resources": resources}}

    app = application(template({"changed": "1", "dropped": "1"}))
    app.deploy()
    app.write(template({"changed": "2"}))
    app.deploy()
    assert by_key(aws("kinesis").list_tags_for_resource(ResourceARN=app.resources["C"])["Tags"]) == {"changed": "2"}
