"""DynamoDB: backups, restored tables, the past that is kept, and expiry: what is said of them, and what is refused. Texts are AWS's, from probes of 2026."""

import datetime

from conftest import ACCOUNT, REGION, error_of, eventually, unique
from test_dynamodb import make_table, text  # noqa: F401

WRONG = "ValidationException"
INVALID = "One or more parameter values were invalid: "
MISSING = "TableNotFoundException"


def arn(name, region=REGION, account=ACCOUNT):
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def keep(dynamodb, name, is_on=True, **more):
    specification = {"PointInTimeRecoveryEnabled": is_on, **more}
    answer = dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=specification)
    return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def test_the_past_is_kept_for_as_long_as_it_was_said(dynamodb, make_table):
    name = make_table()
    first = keep(dynamodb, name)
    assert first["RecoveryPeriodInDays"] == 35
    second = keep(dynamodb, name, RecoveryPeriodInDays=7)
    assert (second["RecoveryPeriodInDays"], second["EarliestRestorableDateTime"]) == (7, first["EarliestRestorableDateTime"])
    why = "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."
    assert error_of(keep, dynamodb, name, False, RecoveryPeriodInDays=35) == (WRONG, why)
    assert keep(dynamodb, name, False) == keep(dynamodb, name, False) == {"PointInTimeRecoveryStatus": "DISABLED"}
    again = keep(dynamodb, name)
    assert again["RecoveryPeriodInDays"] == 35 and again["EarliestRestorableDateTime"] > first["EarliestRestorableDateTime"]


def test_what_is_wrong_with_a_restore_is_found_in_aws_order(dynamodb, make_table):
    kept, other, target = make_table(), make_table(), {"TargetTableName": unique("never")}
    latest, ancient = {"UseLatestRestorableTime": True}, {"RestoreDateTime": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)}
    restore = dynamodb.restore_table_to_point_in_time
    for wrong, why in [
        ({"SourceTableName": kept, "SourceTableArn": arn(kept), **latest}, "Must provide exactly one of: sourceTableArn, sourceTableName"),
        (latest, "The parameter 'TableName' is required but was not present in the request"),
        ({"SourceTableName": kept}, "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"),
        ({"SourceTableArn": "nobody", **latest}, f"{INVALID}sourceTableArn is not a valid ARN"),
        ({"SourceTableArn": arn(kept, account="1" * 12), **latest}, "This action is only supported by accounts that match the resource owner’s account."),
        ({"SourceTableArn": arn(kept, "eu-west-1"), **latest}, "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"),
    ]:
        assert error_of(restore, **target, **wrong) == (WRONG, why)
    code, message = error_of(restore, **target, SourceTableName=kept, **latest, **ancient)
    assert (code, message.startswith("Invalid Request: Both RestoreDateTime and UseLatestRestorableTime cannot be set for point-in-time restore request.")) == (WRONG, True)
    into = {"TargetTableName": other}
    assert error_of(restore, **into, SourceTableName="nobody", **latest) == (MISSING, "Table not found: nobody")
    assert error_of(restore, **into, SourceTableArn=arn("nobody"), **latest) == (MISSING, "Table not found")
    off = ("PointInTimeRecoveryUnavailableException", f"Point in time recovery is not enabled for table '{kept}'")
    assert error_of(restore, **into, SourceTableName=kept, **ancient) == off
    period = keep(dynamodb, kept)
    code, message = error_of(restore, **into, SourceTableName=kept, **ancient)
    earliest = period["EarliestRestorableDateTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    begin = f"RestoreDateTime '2020-01-02T03:04:05Z' must be within EarliestRestorableDateTime '{earliest}' and LatestRestorableDateTime '"
    assert (code, message.startswith(begin)) == ("InvalidRestoreTimeException", True), message
    for taken in (kept, other):
        assert error_of(restore, TargetTableName=taken, SourceTableName=kept, **latest) == ("TableAlreadyExistsException", f"Table already exists: {taken}")


def test_a_restored_table_is_like_any_other(dynamodb, make_table):
    name, target = make_table(), unique("restored")
    backup = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    made = dynamodb.restore_table_from_backup(TargetTableName=target, BackupArn=backup)["TableDescription"]
    summary = made["RestoreSummary"]
    assert (summary["SourceBackupArn"], summary["SourceTableArn"], summary["RestoreInProgress"]) == (backup, arn(name), True)
    eventually(lambda: dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE")
    assert "RestoreSummary" not in dynamodb.describe_table(TableName=target)["Table"]
    dynamodb.delete_table(TableName=target)


def test_a_backup_is_found_whatever_region_its_arn_names(dynamodb, make_table):
    name = make_table()
    backup = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    elsewhere = backup.replace(REGION, "eu-west-1")
    shown = dynamodb.describe_backup(BackupArn=elsewhere)["BackupDescription"]
    assert shown["BackupDetails"]["BackupArn"] == elsewhere and shown["SourceTableDetails"]["TableArn"] == arn(name)
    describe = dynamodb.describe_backup
    for wrong in (arn(name), "x" * 48):
        assert error_of(describe, BackupArn=wrong) == (WRONG, "Invalid Backup ARN")
    for wrong in (backup.replace("arn:aws:", "arn:aws-cn:"), backup.replace("dynamodb", "s3")):
        assert error_of(describe, BackupArn=wrong) == (WRONG, "Invalid Request: BackupArn is not valid")
    assert error_of(describe, BackupArn=backup.replace(ACCOUNT, "1" * 12)) == ("AccessDeniedException", "Access is denied")
    deleted = dynamodb.delete_backup(BackupArn=elsewhere)["BackupDescription"]["BackupDetails"]
    assert deleted["BackupStatus"] == "DELETED"
    for gone in (backup, elsewhere):
        assert error_of(describe, BackupArn=gone) == error_of(dynamodb.delete_backup, BackupArn=gone) == ("BackupNotFoundException", f"Backup not found: {gone}")


def test_backups_are_listed_between_two_times(dynamodb, make_table):
    name = make_table()
    made = [dynamodb.create_backup(TableName=name, BackupName="same")["BackupDetails"] for _ in range(3)]
    assert len({one["BackupArn"] for one in made}) == 3
    listed = lambda **more: [one["BackupArn"] for one in dynamodb.list_backups(TableName=name, **more)["BackupSummaries"]]
    at = made[1]["BackupCreationDateTime"]
    assert made[1]["BackupArn"] in listed(TimeRangeLowerBound=at) and made[1]["BackupArn"] not in listed(TimeRangeUpperBound=at)
    assert len(listed(BackupType="ALL")) == len(listed(BackupType="USER")) == 3 and listed(BackupType="AWS_BACKUP") == []
    why = f"{INVALID}Time range lower bound must be less than or equal to upper bound"
    assert error_of(listed, TimeRangeLowerBound=at, TimeRangeUpperBound=at - datetime.timedelta(seconds=1)) == (WRONG, why)
    elsewhere = made[0]["BackupArn"].replace(REGION, "eu-west-1")
    assert error_of(listed, ExclusiveStartBackupArn=elsewhere) == (WRONG, "Invalid Request: The supplied ExclusiveStartBackupArn does not match the region")
    assert dynamodb.list_backups(TableName="nobody")["BackupSummaries"] == []


def test_a_table_is_restored_in_another_region(platform, dynamodb, make_table):
    name, target, there = make_table(), unique("there"), platform.client("dynamodb", region="eu-west-1")
    dynamodb.put_item(TableName=name, Item={"pk": text("a")})
    backup = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    restore = {"TargetTableName": target, "BackupArn": backup}
    why = "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"
    assert error_of(there.restore_table_from_backup, **restore) == (WRONG, why)
    there.restore_table_from_backup(**restore, SSESpecificationOverride={"Enabled": True, "SSEType": "KMS"})
    eventually(lambda: there.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE")
    assert there.scan(TableName=target)["Items"] == [{"pk": text("a")}]
    assert error_of(dynamodb.describe_table, TableName=target)[0] == "ResourceNotFoundException"
    there.delete_table(TableName=target)


def test_expiry_of_an_empty_table_is_on_at_once(dynamodb, make_table):
    name = make_table()
    specification = {"Enabled": True, "AttributeName": "pk"}
    assert dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)["TimeToLiveSpecification"] == specification
    shown = lambda: dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert shown() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "pk"}
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={**specification, "Enabled": False})
    assert shown() == {"TimeToLiveStatus": "DISABLED"}


def test_names_and_arns_of_nothing_are_told_in_words_of_their_own(platform):
    raw = platform.client("dynamodb", parameter_validation=False)
    length = "TableName must be at least 3 characters long and at most 255 characters long"
    backup = f"{arn('nobody')}/backup/01700000000000-abcdefgh"
    assert error_of(raw.restore_table_from_backup, TargetTableName="", BackupArn=backup) == (WRONG, length)
    assert error_of(raw.describe_global_table, GlobalTableName="") == (WRONG, length)
    assert error_of(raw.describe_backup, BackupArn="") == (WRONG, "Invalid Backup ARN")
    assert error_of(raw.export_table_to_point_in_time, TableArn="", S3Bucket="bucket") == (WRONG, "Invalid TableArn: Invalid Table ARN")


def test_a_deleted_table_whose_past_was_kept_leaves_a_backup_that_nobody_can_delete(dynamodb, make_table):
    name, target = make_table(), unique("back")
    keep(dynamodb, name)
    dynamodb.put_item(TableName=name, Item={"pk": text("last")})
    user = dynamodb.create_backup(TableName=name, BackupName="first")["BackupDetails"]["BackupArn"]
    identity = dynamodb.describe_table(TableName=name)["Table"]["TableId"]
    dynamodb.delete_table(TableName=name)
    listed = lambda **more: dynamodb.list_backups(TableName=name, **more)["BackupSummaries"]
    system = eventually(lambda: listed(BackupType="SYSTEM"))[0]
    assert [one["BackupArn"] for one in listed()] == [one["BackupArn"] for one in listed(BackupType="USER")] == [user]
    assert {one["BackupType"] for one in listed(BackupType="ALL")} == {"USER", "SYSTEM"}
    assert (system["BackupName"], system["BackupStatus"], system["TableId"]) == (f"{name}$DeletedTableBackup", "AVAILABLE", identity)
    assert system["BackupExpiryDateTime"] - system["BackupCreationDateTime"] == datetime.timedelta(days=35)
    shown = dynamodb.describe_backup(BackupArn=system["BackupArn"])["BackupDescription"]
    assert shown["BackupDetails"] == {key: value for key, value in system.items() if not key.startswith("Table")}
    assert (shown["SourceTableDetails"]["ItemCount"], shown["SourceTableFeatureDetails"]) == (1, {})
    assert system["BackupArn"].endswith("-00000000")
    code, message = error_of(dynamodb.delete_backup, BackupArn=system["BackupArn"])
    begin = f"Invalid Request: User is not allowed to delete the system backup with arn {system['BackupArn']}. It will automatically expire on 20"
    assert (code, message.startswith(begin)) == (WRONG, True), message
    dynamodb.restore_table_from_backup(TargetTableName=target, BackupArn=system["BackupArn"])
    eventually(lambda: dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] == "ACTIVE")
    assert dynamodb.scan(TableName=target)["Items"] == [{"pk": text("last")}]
    dynamodb.delete_table(TableName=target)


def test_a_deleted_table_whose_past_is_not_kept_any_more_leaves_no_backup(dynamodb, make_table):
    without, last = sorted([make_table(), make_table()])
    for name in (without, last):
        keep(dynamodb, name)
    keep(dynamodb, without, False)
    for name in (without, last):
        dynamodb.delete_table(TableName=name)
    listed = lambda name: dynamodb.list_backups(TableName=name, BackupType="ALL")["BackupSummaries"]
    # Backups of deleted tables are made in the order of their names.
    eventually(lambda: listed(last))
    assert listed(without) == []
