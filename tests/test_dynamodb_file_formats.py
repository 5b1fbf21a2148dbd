"""What files of exports and imports hold: Ion, Zstandard, and the changes of some time."""

import gzip
import json
import time

import pytest
from conftest import error_of, unique
from dynamodb_files import EVERYTHING, arn, begin_import, bucket, definition, exported, imported, items_of, number, table, text  # noqa: F401
from faulty import faulty, library  # noqa: F401


def data_of(s3, bucket, export):
    """The manifest of an export, the keys of its data, and their lines."""
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    summary = json.loads(read(export["ExportManifest"]))
    files = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    lines = [line for file in files for line in gzip.decompress(read(file["dataFileS3Key"])).decode().splitlines()]
    assert summary["itemCount"] == export["ItemCount"] == len(lines) == sum(file["itemCount"] for file in files)
    return summary, [file["dataFileS3Key"] for file in files], lines


def test_ion_is_written_and_read(dynamodb, aws, bucket, table):
    s3 = aws("s3")
    items = [{"pk": text("a\n\"'"), "sk": number(at), "it's": number("1E-100"), "m": {"M": {"0": number(600)}}, **EVERYTHING} for at in range(10)]
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
    made = dynamodb.export_table_to_point_in_time(TableArn=arn(table), S3Bucket=bucket, ExportFormat="ION")["ExportDescription"]
    done = exported(dynamodb, made)
    assert (made["ExportFormat"], done["ExportStatus"]) == ("ION", "COMPLETED")
    summary, [key], lines = data_of(s3, bucket, done)
    assert summary["outputFormat"] == "ION" and key.endswith(".ion.gz")
    assert all(line.startswith("$ion_1_0 {Item:{") for line in lines)
    assert "ns:$dynamodb_NS::[1.,2.]" in lines[0] and "m:{'0':6d2}" in lines[0] and "b:{{AP8=}}" in lines[0] and "t:true" in lines[0]
    copy = unique("copy")
    begun = begin_import(dynamodb, bucket, copy, key, InputFormat="ION", InputCompressionType="GZIP")
    assert imported(dynamodb, begun)["ImportStatus"] == "COMPLETED"
    assert items_of(dynamodb, copy) == items_of(dynamodb, table)
    dynamodb.delete_table(TableName=copy)


def test_lines_of_ion_that_are_no_items_are_left_out(dynamodb, aws, bucket):
    name = unique("ion")
    lines = [
        '$ion_1_0 {Item:{pk:"a",sk:1}}', '{"Item":{"pk":"b","sk":2.5}}', "$ion_1_0 {Item:{pk:'''c''',sk:3d0,v:[null,{x:true}]}} // the last",
        "$ion_1_0 {Item:{pk:a,sk:1}}", '$ion_1_0 {Item:{pk:"a",sk:1e0}}', '$ion_1_0 {Item:{pk:"a",sk:2020-01-01}}', '$ion_1_0 {Item:{pk:"a"}}', "[" * 100_000, "$ion_1_0",
    ]  # fmt: skip
    aws("s3").put_object(Bucket=bucket, Key="lines", Body="\n".join(lines))
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, InputFormat="ION"))
    assert [done[key] for key in ("ImportStatus", "ProcessedItemCount", "ImportedItemCount", "ErrorCount")] == ["FAILED", 9, 3, 6]
    assert items_of(dynamodb, name) == [
        {"pk": text("a"), "sk": number(1)},
        {"pk": text("b"), "sk": number("2.5")},
        {"pk": text("c"), "sk": number(3), "v": {"L": [{"NULL": True}, {"M": {"x": {"BOOL": True}}}]}},
    ]
    dynamodb.delete_table(TableName=name)


def frame(content):
    """A frame of Zstandard (RFC 8878) with one block that is not compressed."""
    head = b"\x28\xb5\x2f\xfd" + bytes([0b1010_0000]) + len(content).to_bytes(4, "little")
    return head + (1 | len(content) << 3).to_bytes(3, "little") + content


@pytest.mark.parametrize("kind", ["CSV", "DYNAMODB_JSON"])
def test_zstandard_is_read(dynamodb, aws, bucket, kind):
    name = unique("packed")
    if kind == "CSV":
        content = [b"pk,sk,v\na,1,one\n", b"a,2,two\n"]
    else:
        lines = [{"Item": {"pk": text("a"), "sk": number(at), "v": text(word)}} for at, word in ((1, "one"), (2, "two"))]
        content = [json.dumps(line).encode() + b"\n" for line in lines]
    # Tools that work in parallel write a frame for each part.
    aws("s3").put_object(Bucket=bucket, Key="packed", Body=b"".join(frame(part) for part in content))
    done = imported(dynamodb, begin_import(dynamodb, bucket, name, InputFormat=kind, InputCompressionType="ZSTD"))
    assert (done["ImportStatus"], done["InputCompressionType"], done["ImportedItemCount"]) == ("COMPLETED", "ZSTD", 2)
    assert [item["v"] for item in items_of(dynamodb, name)] == [text("one"), text("two")]
    dynamodb.delete_table(TableName=name)
    for spoilt in (b"pk,sk\na,1\n", frame(b"pk,sk\na,1\n")[:-3]):
        aws("s3").put_object(Bucket=bucket, Key="packed", Body=spoilt)
        done = imported(dynamodb, begin_import(dynamodb, bucket, name, InputFormat=kind, InputCompressionType="ZSTD"))
        assert (done["ImportStatus"], done["FailureCode"], done["ImportedItemCount"]) == ("FAILED", "ItemValidationError", 0)
        dynamodb.delete_table(TableName=name)


def test_changes_of_some_time_are_exported(faulty):
    """The clock stands for an hour between the writes; what is before the time's beginning, and at its end and after, is not in it."""
    dynamodb, s3, now = faulty.client("dynamodb"), faulty.client("s3"), int(time.time())
    s3.create_bucket(Bucket="changes")
    dynamodb.create_table(**definition("table"))
    dynamodb.update_continuous_backups(TableName="table", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    put = lambda sort, value: dynamodb.put_item(TableName="table", Item={"pk": text("a"), "sk": number(sort), "v": text(value)})
    delete = lambda sort: dynamodb.delete_item(TableName="table", Key={"pk": text("a"), "sk": number(sort)})
    for sort in range(5):
        put(sort, "before")
    faulty.suffer("clock 3600")
    put(1, "passing")
    put(1, "within")
    delete(2)
    put(5, "within")
    put(6, "comes and goes")
    delete(6)
    put(3, "before")
    faulty.suffer("clock 7200")
    put(1, "after")
    put(4, "after")
    delete(5)
    put(7, "after")
    within = {"ExportFromTime": now + 1800, "ExportToTime": now + 5400}
    ask = {"TableArn": arn("table"), "S3Bucket": "changes", "ExportType": "INCREMENTAL_EXPORT"}
    made = dynamodb.export_table_to_point_in_time(**ask, S3Prefix="p", IncrementalExportSpecification=within)["ExportDescription"]
    done = exported(dynamodb, made)
    shown = done["IncrementalExportSpecification"]
    assert (done["ExportStatus"], done["ExportType"], "ExportTime" in done, done["BilledSizeBytes"]) == ("COMPLETED", "INCREMENTAL_EXPORT", False, 10_000_000)
    assert [shown["ExportFromTime"].timestamp(), shown["ExportToTime"].timestamp(), shown["ExportViewType"]] == [now + 1800, now + 5400, "NEW_AND_OLD_IMAGES"]
    assert [one["ExportType"] for one in dynamodb.list_exports()["ExportSummaries"]] == ["INCREMENTAL_EXPORT"]
    summary, [key], lines = data_of(s3, "changes", done)
    assert (summary["exportType"], summary["outputView"], summary["version"]) == ("INCREMENTAL_EXPORT", "NEW_AND_OLD_IMAGES", "2023-08-01")
    assert key.startswith("p/AWSDynamoDB/data/") and "exportTime" not in summary and summary["exportFromTime"] < summary["exportToTime"]
    found = {line["Keys"]["sk"]["N"]: line for line in map(json.loads, lines)}
    image = lambda sort, value: {"pk": text("a"), "sk": number(sort), "v": text(value)}
    images = {sort: (line.get("OldImage"), line.get("NewImage")) for sort, line in found.items()}
    assert images == {"1": (image(1, "before"), image(1, "within")), "2": (image(2, "before"), None), "5": (None, image(5, "within"))}
    written = int(found["1"]["Metadata"]["WriteTimestampMicros"]["N"]) / 1e6
    assert abs(written - now - 3600) < 60 and found["1"]["Keys"] == {"pk": text("a"), "sk": number(1)}
    # The same as Ion, with the new images only.
    images = {**within, "ExportViewType": "NEW_IMAGE"}
    made = dynamodb.export_table_to_point_in_time(**ask, ExportFormat="ION", IncrementalExportSpecification=images)["ExportDescription"]
    summary, [key], lines = data_of(s3, "changes", exported(dynamodb, made))
    assert key.startswith("AWSDynamoDB/data/") and summary["outputView"] == "NEW_IMAGE"
    shown = sorted(line.split("Keys:")[1] for line in lines)
    assert shown == ['{pk:"a",sk:1.},NewImage:{pk:"a",sk:1.,v:"within"}}}', '{pk:"a",sk:2.}}}', '{pk:"a",sk:5.},NewImage:{pk:"a",sk:5.,v:"within"}}}']
    assert lines[0].startswith("$ion_1_0 {Record:{Metadata:{WriteTimestampMicros:")
    # Up to now, if nothing is said.
    made = dynamodb.export_table_to_point_in_time(**ask, IncrementalExportSpecification={"ExportFromTime": now + 5400})["ExportDescription"]
    done = exported(dynamodb, made)
    assert abs(done["IncrementalExportSpecification"]["ExportToTime"].timestamp() - now - 7200) < 60
    _, _, lines = data_of(s3, "changes", done)
    assert sorted(json.loads(line)["Keys"]["sk"]["N"] for line in lines) == ["1", "4", "5", "7"]
    period = "Incremental export period"
    iso = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    for times, why in [
        ((-60, 1800), f"{period} from time cannot be less than the table creation time : {iso(now - 60)}"),
        ((1800, 9000), f"{period} to time cannot be greater than the current time : {iso(now + 9000)}"),
        ((1800, 2699), "Difference between export period from time and export period to time is less than 15 minutes"),
        ((1800, 1000), "Difference between export period from time and export period to time is less than 15 minutes"),
    ]:
        wrong = {"ExportFromTime": now + times[0], "ExportToTime": now + times[1]}
        assert error_of(dynamodb.export_table_to_point_in_time, **ask, IncrementalExportSpecification=wrong) == ("InvalidExportTimeException", why)
    faulty.suffer(f"clock {30 * 3600}")
    wrong = {"ExportFromTime": now + 1800, "ExportToTime": now + 1801 + 24 * 3600}
    why = "Difference between export period from time and export period to time is greater than 24 hours"
    assert error_of(dynamodb.export_table_to_point_in_time, **ask, IncrementalExportSpecification=wrong) == ("InvalidExportTimeException", why)


def test_some_items_are_exported_and_some_of_each(dynamodb, aws, bucket, table):
    s3 = aws("s3")
    for sort in range(10):
        for hash in "ab":
            dynamodb.put_item(TableName=table, Item={"pk": text(hash), "sk": number(sort), "v": text(f"{hash}{sort % 3}"), "more": {"M": {"x": number(sort), "y": number(0)}}})
    export = dynamodb.export_table_to_point_in_time
    ask = {"TableArn": arn(table), "S3Bucket": bucket}

    def items(**specification):
        made = export(**ask, FilterSpecification=specification)["ExportDescription"]
        assert made["FilterSpecification"] == specification
        done = exported(dynamodb, made)
        assert done["FilterSpecification"] == specification
        _, _, lines = data_of(s3, bucket, done)
        return [json.loads(line)["Item"] for line in lines]

    zero = {":v": text("a0")}
    assert sorted(int(item["sk"]["N"]) for item in items(FilterExpression="v = :v", ExpressionAttributeValues=zero)) == [0, 3, 6, 9]
    values = {":pk": text("b"), ":from": number(7), ":x": number(8)}
    keys = {"KeyConditionExpression": "pk = :pk AND sk >= :from", "FilterExpression": "more.#x <> :x", "ProjectionExpression": "sk, more.#x"}
    found = items(**keys, ExpressionAttributeNames={"#x": "x"}, ExpressionAttributeValues=values)
    assert sorted(found, key=lambda item: item["sk"]["N"]) == [{"sk": number(sort), "more": {"M": {"x": number(sort)}}} for sort in (7, 9)]
    assert len(items(ProjectionExpression="pk")) == 20
    invalid = "Invalid Request: Invalid FilterSpecification: "
    for wrong, why in [
        ({}, "The specification can not be empty"),
        ({"FilterExpression": "v ="}, 'Invalid FilterExpression: Syntax error; token: "<EOF>", near: "="'),
        ({"FilterExpression": "v = :v"}, "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: :v"),
        ({"FilterExpression": "v = :v", "ExpressionAttributeValues": {**zero, ":w": text("")}}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"),
        ({"KeyConditionExpression": "v = :v", "ExpressionAttributeValues": zero}, "Query condition missed key schema element: pk"),
        ({"KeyConditionExpression": "pk = :v", "FilterExpression": "sk = :v", "ExpressionAttributeValues": zero}, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
    ]:
        assert error_of(export, **ask, FilterSpecification=wrong) == ("ValidationException", invalid + why)
    partial = {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": {"ExportFromTime": time.time() - 3600}}
    refused = "FilterSpecification is not supported: incremental exports are of all items"
    assert error_of(export, **ask, **partial, FilterSpecification={"FilterExpression": "attribute_exists(v)"}) == ("ValidationException", refused)
