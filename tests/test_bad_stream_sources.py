"""Event source mappings of streams that are wrong: each is refused with AWS's code and text."""

import pytest
from conftest import ACCOUNT, REGION, error_of, package, unique
from test_stream_sources import arn_of, queue  # noqa: F401  (fixtures)

REFUSED = {
    "no position": ({"StartingPosition": None}, "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."),
    "no time": ({"StartingPosition": "AT_TIMESTAMP"}, "Need to specify a timestamp"),
    "a time too many": ({"StartingPositionTimestamp": 1}, "StartingPositionTimestamp"),
    "no stream": ({"EventSourceArn": arn_of("nobody")}, f"Stream not found: {arn_of('nobody')}"),
    "no table": (
        {"EventSourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2024-01-01T00:00:00.000"},
        "Stream not found: ",
    ),
    "a time for a table": (
        {
            "EventSourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/t/stream/2024-01-01T00:00:00.000",
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": 1,
        },
        "Unsupported starting position for arn type",
    ),
    "age": ({"MaximumRecordAgeInSeconds": 59}, "maximumRecordAgeInSeconds"),
    "age 0": ({"MaximumRecordAgeInSeconds": 0}, "maximumRecordAgeInSeconds"),
    "scaling": ({"ScalingConfig": {"MaximumConcurrency": 2}}, "ScalingConfig is not a valid parameter for Kinesis"),
    "topics": ({"Topics": ["topic"]}, "Topics is not a valid parameter"),
    "access": (
        {"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:s"}]},
        "SourceAccessConfigurations is not a valid parameter for Kinesis",
    ),
    "documents": ({"DocumentDBEventSourceConfig": {"DatabaseName": "d"}}, "DocumentDBEventSourceConfig is not a valid parameter"),
    "metrics": ({"MetricsConfig": {"Metrics": ["EventCount"]}}, "MetricsConfig is not supported"),
    "success": ({"DestinationConfig": {"OnSuccess": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"}}}, "DestinationConfig"),
    "a function is told": (
        {"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"}}},
        "The destination ARN",
    ),
    "a fifo queue": ({"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q.fifo"}}}, "FIFO"),
    "filter": ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
    "filters": ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": [1]}'}] * 6}}, "The maximum number of filters"),
    "function": ({"FunctionName": "nobody"}, "Function does not exist"),
}

BEYOND = {
    "batch": ({"BatchSize": 10001}, "batchSize"),
    "no batch": ({"BatchSize": 0}, "batchSize"),
    "factor": ({"ParallelizationFactor": 11}, "parallelizationFactor"),
    "no factor": ({"ParallelizationFactor": 0}, "parallelizationFactor"),
    "retries": ({"MaximumRetryAttempts": 10001}, "maximumRetryAttempts"),
    "negative retries": ({"MaximumRetryAttempts": -2}, "maximumRetryAttempts"),
    "old": ({"MaximumRecordAgeInSeconds": 604801}, "maximumRecordAgeInSeconds"),
    "window": ({"MaximumBatchingWindowInSeconds": 301}, "maximumBatchingWindowInSeconds"),
    "tumbling": ({"TumblingWindowInSeconds": 901}, "tumblingWindowInSeconds"),
    "position": ({"StartingPosition": "NOWHERE"}, "startingPosition"),
}


@pytest.fixture(scope="module")
def target(platform):
    kinesis, client, name = platform.client("kinesis"), platform.client("lambda"), unique("bad")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    code = {"ZipFile": package({"app.py": "def handler(event, context):\n    pass\n"})}
    client.create_function(FunctionName=name, Runtime="python3.11", Handler="app.handler", Role=f"arn:aws:iam::{ACCOUNT}:role/tests", Code=code)
    yield {"FunctionName": name, "EventSourceArn": arn_of(name), "StartingPosition": "LATEST"}
    client.delete_function(FunctionName=name)
    kinesis.delete_stream(StreamName=name)


@pytest.mark.parametrize("name", [*REFUSED, *BEYOND])
def test_what_cannot_be_is_refused(platform, target, name):
    change, text = {**REFUSED, **BEYOND}[name]
    wanted = {key: value for key, value in {**target, **change}.items() if value is not None}
    client = platform.client("lambda", parameter_validation=False)
    code, message = error_of(client.create_event_source_mapping, **wanted)
    assert code == ("ValidationException" if name in BEYOND else "InvalidParameterValueException")
    assert text in message


STREAM_ONLY = {
    "StartingPosition": "LATEST",
    "ParallelizationFactor": 2,
    "BisectBatchOnFunctionError": True,
    "MaximumRecordAgeInSeconds": 60,
    "MaximumRetryAttempts": 1,
    "TumblingWindowInSeconds": 1,
}


@pytest.mark.parametrize("member", STREAM_ONLY)
def test_queues_take_nothing_of_streams(client, target, queue, member):
    wanted = {"FunctionName": target["FunctionName"], "EventSourceArn": queue()[1], member: STREAM_ONLY[member]}
    refused = ("InvalidParameterValueException", f"{member} is not a valid parameter for SQS event source mappings.")
    assert error_of(client.create_event_source_mapping, **wanted) == refused
