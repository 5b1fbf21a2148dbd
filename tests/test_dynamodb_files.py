"""Tables that go to other services and come from them: exports to buckets, imports from them, and Kinesis streams of changes."""

import base64
import gzip
import hashlib
import json
import time

import pytest
from conftest import ACCOUNT, REGION, error_of, unique
from dynamodb_files import EVERYTHING, arn, begin_import, bucket, definition, exported, imported, items_of, number, table, text, until  # noqa: F401


def test_an_export_is_the_table_and_an_import_brings_it_back(dynamodb, aws, bucket, table):
    s3 = aws("s3")
    for sort in range(20):
        dynamodb.put_item(TableName=table, Item={"pk": text("a"), "sk": number(sort), **EVERYTHING})
    made = dynamodb.export_table_to_point_in_time(TableArn=arn(table), S3Bucket=bucket, S3Prefix="backups")["ExportDescription"]
    assert made["ExportStatus"] == "IN_PROGRESS" and made["ExportFormat"] == "DYNAMODB_JSON" and "ExportType" not in made
    done = exported(dynamodb, made)
    assert (done["ExportStatus"], done["ItemCount"]) == ("COMPLETED", 20)
    export_id = done["ExportArn"].rsplit("/", 1)[1]
    folder = f"backups/AWSDynamoDB/{export_id}"
    assert done["ExportManifest"] == f"{folder}/manifest-summary.json"
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    for name in ("manifest-summary", "manifest-files"):
        assert base64.b64decode(read(f"{folder}/{name}.md5")) == hashlib.md5(read(f"{folder}/{name}.json")).digest()
    summary = json.loads(read(f"{folder}/manifest-summary.json"))
    assert (summary["itemCount"], summary["outputFormat"], summary["exportArn"]) == (20, "DYNAMODB_JSON", done["ExportArn"])
    [file] = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    data = read(file["dataFileS3Key"])
    assert file["itemCount"] == 20 and base64.b64decode(file["md5Checksum"]) == hashlib.md5(data).digest()
    lines = [json.loads(line)["Item"] for line in gzip.decompress(data).splitlines()]
    assert sorted(int(line["sk"]["N"]) for line in lines) == list(range(20)) and lines[0]["b"] == {"B": "AP8="}
    copy = unique("copy")
    parameters = {key: value for key, value in definition(copy).items()}
    begun = dynamodb.import_table(
        S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": f"{folder}/data/"}, InputFormat="DYNAMODB_JSON", InputCompressionType="GZIP", TableCreationParameters=parameters
    )["ImportTableDescription"]
    assert begun["TableArn"] == arn(copy) and begun["TableCreationParameters"]["TableName"] == copy
    done = imported(dynamodb, begun)
    assert [done[name] for name in ("ImportStatus", "ProcessedItemCount", "ImportedItemCount", "ErrorCount")] == ["COMPLETED", 20, 20, 0]
    assert items_of(dynamodb, copy) == items_of(dynamodb, table)
    assert dynamodb.describe_table(TableName=copy)["Table"]["ItemCount"] == 20
    dynamodb.delete_table(TableName=copy)


def test_an_export_is_of_its_time(dynamodb, aws, bucket, table):
    dynamodb.put_item(TableName=table, Item={"pk": text("a"), "sk": number(1), "v": text("old")})
    dynamodb.put_item(TableName=table, Item={"pk": text("a"), "sk": number(2)})
    at = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    until(lambda: dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"], lambda now: (now - at).total_seconds() > 1)
    dynamodb.put_item(TableName=table, Item={"pk": text("a"), "sk": number(1), "v": text("new")})
    dynamodb.delete_item(TableName=table, Key={"pk": text("a"), "sk": number(2)})
    dynamodb.put_item(TableName=table, Item={"pk": text("a"), "sk": number(3)})
    done = exported(dynamodb, dynamodb.export_table_to_point_in_time(TableArn=arn(table), S3Bucket=bucket, ExportTime=at)["ExportDescription"])
    key = next(found["Key"] for found in aws("s3").list_objects_v2(Bucket=bucket)["Contents"] if "/data/" in found["Key"])
    lines = gzip.decompress(aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()).splitlines()
    assert done["ItemCount"] == 2
    assert {json.loads(line)["Item"]["sk"]["N"]: json.loads(line)["Item"].get("v") for line in lines} == {"1": text("old"), "2": None}


def test_exports_are_listed_and_begun_once(dynamodb, bucket, table):
    ask = {"TableArn": arn(table), "S3Bucket": bucket, "ClientToken": unique("token")}
    first = dynamodb.export_table_to_point_in_time(**ask)["ExportDescription"]["ExportArn"]
    assert dynamodb.export_table_to_point_in_time(**ask)["ExportDescription"]["ExportArn"] == first
    other = unique("other")
    dynamodb.create_table(**definition(other))
    for change in ({"S3Prefix": "other"}, {"TableArn": arn(other)}):
        conflict = ("ExportConflictException", "Export conflict: Duplicate request detected with conflicting parameters")
        assert error_of(dynamodb.export_table_to_point_in_time, **{**ask, **change}) == conflict
    dynamodb.delete_table(TableName=other)
    second = dynamodb.export_table_to_point_in_time(TableArn=arn(table), S3Bucket=bucket)["ExportDescription"]["ExportArn"]
    page = dynamodb.list_exports(TableArn=arn(table), MaxResults=1)
    rest = dynamodb.list_exports(TableArn=arn(table), MaxResults=1, NextToken=page["NextToken"])
    assert [page["ExportSummaries"][0]["ExportArn"], rest["ExportSummaries"][0]["ExportArn"]] == [second, first], "the newest first"
    assert "NextToken" not in rest
    wrong = ("ValidationException", f"Invalid Request: Provided nextToken is invalid: {page['NextToken']}")
    assert error_of(dynamodb.list_imports, NextToken=page["NextToken"]) == wrong, "it is another operation's"
    exported(dynamodb, {"ExportArn": first})
    exported(dynamodb, {"ExportArn": second})


def test_exports_outlive_their_table(dynamodb, bucket):
    name = unique("gone")
    make = lambda: dynamodb.create_table(**definition(name))
    make()
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    begun = dynamodb.export_table_to_point_in_time(TableArn=arn(name), S3Bucket=bucket)["ExportDescription"]
    assert exported(dynamodb, begun)["ExportStatus"] == "COMPLETED"
    assert len(dynamodb.list_exports(TableArn=arn(name))["ExportSummaries"]) == 1
    dynamodb.delete_table(TableName=name)
    assert dynamodb.list_exports(TableArn=arn(name))["ExportSummaries"] == []
    make()
    assert dynamodb.list_exports(TableArn=arn(name))["ExportSummaries"] == [], "it is another table"
    assert dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]["TableId"] == begun["TableId"]
    dynamodb.delete_table(TableName=name)


def test_exports_that_cannot_be(dynamodb, bucket, table):
    plain = unique("plain")
    dynamodb.create_table(**definition(plain))
    export = dynamodb.export_table_to_point_in_time
    assert error_of(export, TableArn=arn(plain), S3Bucket=bucket) == ("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{plain}'")
    assert error_of(export, TableArn=arn("nobody"), S3Bucket=bucket) == ("TableNotFoundException", f"Table not found: {arn('nobody')}")
    for at in (1000, time.time() + 3600):
        assert error_of(export, TableArn=arn(table), S3Bucket=bucket, ExportTime=at) == ("InvalidExportTimeException", "Export Time is invalid")
    invalid, full, partial = "Invalid Request: ", {"ExportType": "FULL_EXPORT"}, {"ExportType": "INCREMENTAL_EXPORT"}
    for wrong, why in [
        ({"TableArn": table}, "One or more parameter values were invalid: tableArn is not a valid ARN"),
        ({"TableArn": f"{arn(table)}/index/i"}, invalid + "Table ARN is invalid."),
        ({"S3SseKmsKeyId": "key"}, invalid + "KMS Key Id is not supported for this encryption type"),
        ({"S3SseKmsKeyId": "key", "S3SseAlgorithm": "AES256"}, invalid + "KMS Key Id is not supported for this encryption type"),
        ({"IncrementalExportSpecification": {}}, invalid + "Export Type expected to be Incremental Export when incremental export specification is provided"),
        ({"IncrementalExportSpecification": {}, **full}, invalid + "When Export Type is Full Export , Incremental Export Specification should not be provided"),
        ({"IncrementalExportSpecification": {}, **partial}, invalid + "ExportFromTime must be provided in IncrementalExportSpecification"),
        (partial, invalid + "Incremental Export Specification expected when export type is set as Incremental Export"),
    ]:
        assert error_of(export, **{"TableArn": arn(table), "S3Bucket": bucket, **wrong}) == ("ValidationException", why)
    other, elsewhere = arn(table).replace(ACCOUNT, "1" * 12), arn(table).replace(REGION, "eu-west-1")
    assert error_of(export, TableArn=other, S3Bucket=bucket) == ("AccessDeniedException", "Access is denied")
    assert error_of(export, TableArn=elsewhere, S3Bucket=bucket) == ("TableNotFoundException", f"Table not found: {elsewhere}")
    describe, below = dynamodb.describe_export, "/export/01700000000000-abcdefgh"
    missing = "ExportNotFoundException"
    assert error_of(describe, ExportArn=arn(table) + below) == (missing, f"Export not found: Export not found: {arn(table)}{below}")
    assert error_of(describe, ExportArn=elsewhere + below) == (missing, "Export not found: Invalid export arn")
    assert error_of(describe, ExportArn=other + below) == ("AccessDeniedException", "Access is denied")
    for wrong in (arn(table), arn(table) + below.replace("export", "import")):
        assert error_of(describe, ExportArn=wrong) == ("ValidationException", "Invalid Export ARN")
    for wrong, why in (({"S3Bucket": "no-such-bucket-here"}, "S3NoSuchBucket"), ({"S3BucketOwner": "1" * 12}, "S3AccessDenied")):
        failed = exported(dynamodb, export(**{"TableArn": arn(table), "S3Bucket": bucket, **wrong})["ExportDescription"])
        assert (failed["ExportStatus"], failed["FailureCode"]) == ("FAILED", why)
    dynamodb.delete_table(TableName=plain)


PARTIAL = ("ItemValidationError", "Some of the items failed validation checks and were not imported. Please check CloudWatch error logs for more details.")


def test_csv_is_imported(dynamodb, aws, bucket):
    s3, name = aws("s3"), unique("csv")
    s3.put_object(Bucket=bucket, Key="in/1.csv", Body='pk,sk,note\na,1,plain\na,2,"quoted, with ""comma"""\n,3,no key\na,x,no number\n')
    s3.put_object(Bucket=bucket, Key="in/2.csv", Body="pk,sk,other\r\nb,1.5,7\r\n")
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, "in/", InputFormat="CSV"))
    assert [done[key] for key in ("ImportStatus", "ProcessedItemCount", "ImportedItemCount", "ErrorCount")] == ["FAILED", 5, 3, 2]
    assert (done["FailureCode"], done["FailureMessage"]) == PARTIAL
    assert items_of(dynamodb, name) == [
        {"pk": text("a"), "sk": number(1), "note": text("plain")},
        {"pk": text("a"), "sk": number(2), "note": text('quoted, with "comma"')},
        {"pk": text("b"), "sk": number("1.5"), "other": text("7")},
    ]
    assert [one["ImportArn"] for one in dynamodb.list_imports(TableArn=arn(name))["ImportSummaryList"]] == [done["ImportArn"]]
    other = unique("csv")
    imported(dynamodb, begin_import(dynamodb, bucket, other, "in/", InputFormat="CSV"))

    def listed(**size):
        pages = [dynamodb.list_imports(**size)]
        while "NextToken" in pages[-1]:
            pages.append(dynamodb.list_imports(**size, NextToken=pages[-1]["NextToken"]))
        return [one["ImportArn"] for page in pages for one in page["ImportSummaryList"]]

    assert listed(PageSize=1) == listed() and done["ImportArn"] in listed()
    assert error_of(dynamodb.list_imports, NextToken="ff" * 56) == ("ValidationException", "Invalid Request: Provided nextToken is invalid: " + "ff" * 56)
    dynamodb.delete_table(TableName=other)
    dynamodb.delete_table(TableName=name)


def test_what_an_import_leaves_out_is_told_in_its_log(dynamodb, aws, bucket):
    s3, logs, name = aws("s3"), aws("logs"), unique("left")
    s3.put_object(Bucket=bucket, Key="in/1.csv", Body='pk,sk\na,1\n,2\nb,x\nc,3,4\n')
    s3.put_object(Bucket=bucket, Key="in/2.csv", Body="pk,v\nd,1\n")
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, "in/", InputFormat="CSV"))
    assert (done["ErrorCount"], done["CloudWatchLogGroupArn"]) == (4, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws-dynamodb/imports:*")
    [summary] = dynamodb.list_imports(TableArn=arn(name))["ImportSummaryList"]
    assert summary["CloudWatchLogGroupArn"] == done["CloudWatchLogGroupArn"]
    stream = done["ImportArn"].rsplit("/", 1)[1] + "/error"
    told = [json.loads(event["message"]) for event in logs.get_log_events(logGroupName="/aws-dynamodb/imports", logStreamName=stream)["events"]]
    place = lambda file, index: {"bucket": bucket, "key": f"in/{file}.csv", "itemIndex": index}
    invalid = "One or more parameter values were invalid: "
    empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"
    assert [(line["itemS3Pointer"], line["errorMessages"]) for line in told] == [
        (place(1, 1), [empty]),
        (place(1, 2), ["The parameter cannot be converted to a numeric value: x"]),
        (place(1, 3), ["The line has more values than there are names"]),
        (place(2, 0), [invalid + "Missing the key sk in the item"]),
    ]
    assert {line["importArn"] for line in told} == {done["ImportArn"]}
    dynamodb.delete_table(TableName=name)
    # Ten thousand are told, and the rest counted.
    name = unique("left")
    s3.put_object(Bucket=bucket, Key="many", Body="no item\n" * 12_000)
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, "many", InputFormat="DYNAMODB_JSON"))
    stream = done["ImportArn"].rsplit("/", 1)[1] + "/error"
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/aws-dynamodb/imports", logStreamNames=[stream])
    told = [json.loads(event["message"]) for page in pages for event in page["events"]]
    assert (done["ErrorCount"], len(told), told[-1]["itemS3Pointer"]["itemIndex"]) == (12_000, 10_000, 9_999)
    assert told[0]["errorMessages"] == ["The line is no item in DynamoDB JSON"]
    dynamodb.delete_table(TableName=name)


def test_csv_with_names_of_its_own(dynamodb, aws, bucket):
    name = unique("csv")
    aws("s3").put_object(Bucket=bucket, Key="x", Body=gzip.compress(b"a;1;z\nb;2;y\n"))
    options = {"Csv": {"Delimiter": ";", "HeaderList": ["pk", "sk", "letter"]}}
    begun = begin_import(dynamodb, bucket, name, InputFormat="CSV", InputFormatOptions=options, InputCompressionType="GZIP", ClientToken="once-" + name)
    assert begun["InputFormatOptions"] == options
    again = begin_import(dynamodb, bucket, name, InputFormat="CSV", InputFormatOptions=options, InputCompressionType="GZIP", ClientToken="once-" + name)
    assert again["ImportArn"] == begun["ImportArn"]
    # What is asked otherwise of the same table does not count; another table does.
    again = begin_import(dynamodb, bucket, name, "other", InputFormat="CSV", ClientToken="once-" + name)
    assert (again["ImportArn"], again["S3BucketSource"]["S3KeyPrefix"]) == (begun["ImportArn"], "")
    conflict = ("ImportConflictException", "Import conflict: Duplicate request detected with conflicting parameters")
    assert error_of(begin_import, dynamodb, bucket, name + "-2", InputFormat="CSV", ClientToken="once-" + name) == conflict
    assert imported(dynamodb, begun)["ImportedItemCount"] == 2
    assert [item["letter"] for item in items_of(dynamodb, name)] == [text("z"), text("y")]
    again = begin_import(dynamodb, bucket, name, InputFormat="CSV", ClientToken="once-" + name)
    assert (again["ImportArn"], again["ImportStatus"]) == (begun["ImportArn"], "COMPLETED"), "whoever lost the answer asks when it has ended"
    taken = ("ResourceInUseException", f"Table already exists: {name}")
    assert error_of(begin_import, dynamodb, bucket, name, InputFormat="CSV", ClientToken="twice-" + name) == taken
    dynamodb.delete_table(TableName=name)


def test_many_items_are_imported_with_their_indexes(dynamodb, aws, bucket):
    name = unique("many")
    lines = "".join(json.dumps({"Item": {"pk": text(f"p{at % 7}"), "sk": number(at), "g": text(f"g{at % 3}")}}) + "\n" for at in range(1500))
    aws("s3").put_object(Bucket=bucket, Key="many.json", Body=lines + 'not json\n{"Item": {"pk": {"S": "x"}}}\n')
    parameters = definition(name)
    parameters["AttributeDefinitions"] = [*parameters["AttributeDefinitions"], {"AttributeName": "g", "AttributeType": "S"}]
    parameters["GlobalSecondaryIndexes"] = [{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]
    begun = begin_import(dynamodb, bucket, name, InputFormat="DYNAMODB_JSON", TableCreationParameters=parameters)
    done = imported(dynamodb, begun)
    assert [done[key] for key in ("ImportStatus", "ProcessedItemCount", "ImportedItemCount", "ErrorCount")] == ["FAILED", 1502, 1500, 2]
    assert (done["FailureCode"], done["FailureMessage"]) == PARTIAL
    found = dynamodb.query(TableName=name, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": text("g1")}, Select="COUNT")
    assert found["Count"] == 500 and dynamodb.describe_table(TableName=name)["Table"]["ItemCount"] == 1500
    dynamodb.delete_table(TableName=name)


def test_imports_that_cannot_be(dynamodb, bucket, table):
    assert error_of(begin_import, dynamodb, bucket, table, InputFormat="CSV") == ("ResourceInUseException", f"Table already exists: {table}")
    options = {"InputFormatOptions": {"Csv": {"Delimiter": ";"}}}
    for format in ("DYNAMODB_JSON", "ION"):
        why = f"Invalid Request: Unsupported InputFormatOptions for the given input format: {format}."
        assert error_of(begin_import, dynamodb, bucket, unique("t"), InputFormat=format, **options) == ("ValidationException", why)
    missing = arn(table) + "/import/01700000000000-abcdefgh"
    assert error_of(dynamodb.describe_import, ImportArn=missing) == ("ImportNotFoundException", f"Import not found: {missing}")
    assert error_of(dynamodb.describe_import, ImportArn=arn(table)) == ("ValidationException", "Invalid Import ARN")
    assert error_of(dynamodb.describe_import, ImportArn=missing.replace(ACCOUNT, "1" * 12)) == ("AccessDeniedException", "Access is denied")
    name = unique("t")
    failed = imported(dynamodb, begin_import(dynamodb, "no-such-bucket-here", name, InputFormat="CSV"))
    assert (failed["ImportStatus"], failed["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert error_of(dynamodb.describe_table, TableName=name)[0] == "ResourceNotFoundException"


def test_what_is_imported_of_nothing_and_of_what_is_not_compressed(dynamodb, aws, bucket):
    name = unique("empty")
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, "nothing/", InputFormat="CSV"))
    assert (done["ImportStatus"], done["ImportedItemCount"], items_of(dynamodb, name)) == ("COMPLETED", 0, [])
    assert (done["S3BucketSource"]["S3BucketOwner"], done["InputCompressionType"], "InputFormatOptions" in done) == (ACCOUNT, "NONE", False)
    dynamodb.delete_table(TableName=name)
    assert [one["ImportArn"] for one in dynamodb.list_imports(TableArn=arn(name))["ImportSummaryList"]] == [done["ImportArn"]]
    aws("s3").put_object(Bucket=bucket, Key="plain", Body="pk,sk\na,1\n")
    for kind in ("CSV", "DYNAMODB_JSON"):
        done = imported(dynamodb, begin_import(dynamodb, bucket, name, "plain", InputFormat=kind, InputCompressionType="GZIP"))
        assert (done["ImportStatus"], done["FailureCode"], done["ProcessedItemCount"], done["ImportedItemCount"]) == ("FAILED", PARTIAL[0], 1, 0)
        assert items_of(dynamodb, name) == [], "the table is there"
        dynamodb.delete_table(TableName=name)


def test_an_import_goes_on_after_a_crash(fresh):
    platform = fresh()
    s3, dynamodb = platform.client("s3"), platform.client("dynamodb")
    s3.create_bucket(Bucket="crash")
    lines = "".join(json.dumps({"Item": {"pk": text(f"p{at % 7}"), "sk": number(at)}}) + "\n" for at in range(4000))
    s3.put_object(Bucket="crash", Key="many.json", Body=lines)
    begun = begin_import(dynamodb, "crash", "after", InputFormat="DYNAMODB_JSON")
    platform.kill()
    platform.start()
    dynamodb = platform.client("dynamodb")
    done = imported(dynamodb, begun)
    assert (done["ImportStatus"], done["ImportedItemCount"]) == ("COMPLETED", 4000)
    assert dynamodb.describe_table(TableName="after")["Table"]["ItemCount"] == 4000
    assert sum(page["Count"] for page in dynamodb.get_paginator("scan").paginate(TableName="after", Select="COUNT")) == 4000


@pytest.fixture
def stream(aws):
    kinesis, name = aws("kinesis"), unique("changes")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]


def records_of(kinesis, stream):
    [shard] = kinesis.list_shards(StreamARN=stream)["Shards"]
    iterator = kinesis.get_shard_iterator(StreamARN=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    return [json.loads(record["Data"]) for record in kinesis.get_records(ShardIterator=iterator)["Records"]]


def test_changes_go_to_kinesis(dynamodb, aws, table, stream):
    kinesis = aws("kinesis")
    enabled = dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    assert (enabled["DestinationStatus"], enabled["StreamArn"], enabled["TableName"]) == ("ENABLING", stream, table)
    described = dynamodb.describe_kinesis_streaming_destination(TableName=table)
    [shown] = described["KinesisDataStreamDestinations"]
    assert shown == {"StreamArn": stream, "DestinationStatus": "ACTIVE"} and enabled["EnableKinesisStreamingConfiguration"] == {}
    key = {"pk": text("a"), "sk": number(1)}
    dynamodb.put_item(TableName=table, Item={**key, "v": number(1)})
    dynamodb.put_item(TableName=table, Item={**key, "v": number(1)})
    dynamodb.update_item(TableName=table, Key=key, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": number(2)})
    dynamodb.execute_statement(Statement=f"DELETE FROM \"{table}\" WHERE pk = 'a' AND sk = 1")
    insert, modify, remove = records_of(kinesis, stream)
    assert [record["eventName"] for record in (insert, modify, remove)] == ["INSERT", "MODIFY", "REMOVE"]
    assert insert["awsRegion"] == REGION and insert["tableName"] == table and insert["eventSource"] == "aws:dynamodb"
    assert insert["recordFormat"] == "application/json" and insert["userIdentity"] is None and insert["eventID"] != modify["eventID"]
    assert modify["dynamodb"]["Keys"] == key and modify["dynamodb"]["NewImage"]["v"] == number(2) and modify["dynamodb"]["OldImage"]["v"] == number(1)
    assert "OldImage" not in insert["dynamodb"] and "NewImage" not in remove["dynamodb"]
    assert abs(insert["dynamodb"]["ApproximateCreationDateTime"] / 1000 - time.time()) < 60 and insert["dynamodb"]["SizeBytes"] > 0
    assert dynamodb.disable_kinesis_streaming_destination(TableName=table, StreamArn=stream)["DestinationStatus"] == "DISABLING"
    dynamodb.put_item(TableName=table, Item=key)
    assert len(records_of(kinesis, stream)) == 3
    [shown] = dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"]
    assert shown["DestinationStatus"] == "DISABLED"


def test_a_transaction_that_fails_sends_nothing(dynamodb, aws, table, stream):
    micro = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    assert dynamodb.update_kinesis_streaming_destination(TableName=table, StreamArn=stream, UpdateKinesisStreamingConfiguration=micro)["DestinationStatus"] == "UPDATING"
    put = {"Put": {"TableName": table, "Item": {"pk": text("a"), "sk": number(1)}}}
    check = {"ConditionCheck": {"TableName": table, "Key": {"pk": text("b"), "sk": number(1)}, "ConditionExpression": "attribute_exists(pk)"}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[put, check])
    assert records_of(aws("kinesis"), stream) == []
    dynamodb.transact_write_items(TransactItems=[put])
    [record] = records_of(aws("kinesis"), stream)
    assert record["dynamodb"]["ApproximateCreationDateTimePrecision"] == "MICROSECOND"
    assert abs(record["dynamodb"]["ApproximateCreationDateTime"] / 1e6 - time.time()) < 60
    again = error_of(dynamodb.update_kinesis_streaming_destination, TableName=table, StreamArn=stream, UpdateKinesisStreamingConfiguration=micro)
    assert again[0] == "ValidationException" and again[1].startswith("Invalid Request: Precision is already set to the desired value of MICROSECOND for tableId:")
