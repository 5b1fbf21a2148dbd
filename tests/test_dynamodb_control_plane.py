"""DynamoDB: what CreateTable, UpdateTable and DescribeTable take, refuse and show, as the real control plane does, through boto3."""

import pytest
from conftest import ACCOUNT, REGION, error_of, eventually, unique

VALIDATION, LIMIT = "ValidationException", "LimitExceededException"
INVALID = "One or more parameter values were invalid: "
ONE_IOPS = INVALID + "You cannot create or delete index while updating table IOPS"
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
ENCRYPTED = {"Enabled": True}
WARM, MOST = {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000}, {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 10}
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST"}


def units(read, write):
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def schema(*names):
    return [{"AttributeName": name, "KeyType": role} for name, role in zip(names, ("HASH", "RANGE"))]


def types(*names):
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def index(name, *keys, shown="ALL", **more):
    projection = {"ProjectionType": shown} if isinstance(shown, str) else {"ProjectionType": "INCLUDE", "NonKeyAttributes": shown}
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": projection, **more}


def only(what):
    return INVALID + f"{what} must be the only operation in the request"


@pytest.fixture(scope="module")
def loose(platform):
    """A client that checks nothing itself."""
    return platform.client("dynamodb", parameter_validation=False)


@pytest.fixture
def make(loose):
    made = []

    def make(**more):
        name = unique("plane")
        defaults = {"KeySchema": schema("pk"), "AttributeDefinitions": types("pk"), **({} if "ProvisionedThroughput" in more else ON_DEMAND)}
        loose.create_table(TableName=name, **{**defaults, **more})
        made.append(name)
        return name

    yield make
    for name in made:
        eventually(lambda: all(one["IndexStatus"] == "ACTIVE" for one in described(loose, name).get("GlobalSecondaryIndexes", [])))
        loose.delete_table(TableName=name)


@pytest.fixture(scope="module")
def house(loose):
    """A table on demand and one with units, with an index each; nothing that is refused changes them."""
    indexes = {"KeySchema": schema("pk", "sk"), "AttributeDefinitions": types("pk", "sk", "g"), "LocalSecondaryIndexes": [index("local", "pk", "g")]}
    names = {"$D": unique("on-demand"), "$P": unique("provisioned")}
    loose.create_table(TableName=names["$D"], **ON_DEMAND, **indexes, GlobalSecondaryIndexes=[index("gsi", "g")])
    loose.create_table(TableName=names["$P"], **indexes, ProvisionedThroughput=units(5, 5), GlobalSecondaryIndexes=[index("gsi", "g", ProvisionedThroughput=units(2, 2))])
    before = {name: described(loose, name) for name in names.values()}
    yield names
    for name in names.values():
        assert described(loose, name) == before[name], "what is refused changes nothing"
        loose.delete_table(TableName=name)


def described(client, name):
    return client.describe_table(TableName=name)["Table"]


def new_index(name="new", *keys, **more):
    return [{"Create": index(name, *(keys or ("h",)), **more)}]


def change_index(name="gsi", **capacity):
    return [{"Update": {"IndexName": name, **capacity}}]


GONE = [{"Delete": {"IndexName": "gsi"}}]
H = types("h")
NO_CHANGE = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, "
    "MultiRegionConsistency, DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required"
)
TOGETHER = {
    "definitions only": ("$D", {"AttributeDefinitions": types("pk")}, NO_CHANGE),
    "no index": ("$D", {"GlobalSecondaryIndexUpdates": []}, NO_CHANGE),
    "no index, with definitions": ("$D", {"GlobalSecondaryIndexUpdates": [], "AttributeDefinitions": types("pk")}, NO_CHANGE),
    "no index, and more": ("$D", {"GlobalSecondaryIndexUpdates": [], "DeletionProtectionEnabled": True}, INVALID + "List of GlobalSecondaryIndexUpdates is empty"),
    "nothing of what it takes at once": ("$D", {"WarmThroughput": {}}, NO_CHANGE),
    "encryption before protection": ("$D", {"DeletionProtectionEnabled": True, "SSESpecification": ENCRYPTED}, only("Server-Side Encryption modification")),
    "encryption and billing": ("$D", {"SSESpecification": ENCRYPTED, **ON_DEMAND}, only("Server-Side Encryption modification")),
    "class before protection": ("$D", {"DeletionProtectionEnabled": True, "TableClass": "STANDARD"}, only("TableClass modification")),
    "class and a stream": ("$D", {"TableClass": "STANDARD", "StreamSpecification": STREAM}, only("TableClass modification")),
    "protection before warmth": ("$D", {"WarmThroughput": WARM, "DeletionProtectionEnabled": True}, only("DeletionProtection modification")),
    "protection and billing": ("$D", {"DeletionProtectionEnabled": True, **ON_DEMAND}, only("DeletionProtection modification")),
    "protection and an index": ("$D", {"DeletionProtectionEnabled": True, "GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H}, only("DeletionProtection modification")),
    "warmth and a stream": ("$D", {"WarmThroughput": WARM, "StreamSpecification": STREAM}, only("WarmThroughput")),
    "warmth and an index": ("$D", {"WarmThroughput": WARM, "GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H}, INVALID + "Create global secondary index cannot be specified when updating WarmThroughput"),
    "request units and warmth": ("$D", {"WarmThroughput": WARM, "OnDemandThroughput": MOST}, INVALID + "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"),
    "request units and a stream": ("$D", {"StreamSpecification": STREAM, "OnDemandThroughput": MOST}, INVALID + "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request"),
    "units and a stream": ("$P", {"StreamSpecification": STREAM, "ProvisionedThroughput": units(6, 6)}, INVALID + "You cannot modify stream status while updating table IOPS"),
    "provisioned, and a stream": ("$D", {"StreamSpecification": STREAM, "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(6, 6)}, INVALID + "You cannot modify stream status while updating table IOPS"),
    "units and a new index": ("$P", {"ProvisionedThroughput": units(6, 6), "GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H}, ONE_IOPS),
    "units and the end of an index": ("$P", {"ProvisionedThroughput": units(6, 6), "GlobalSecondaryIndexUpdates": GONE}, ONE_IOPS),
    "a stream and a new index": ("$D", {"StreamSpecification": STREAM, "GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H}, INVALID + "You cannot create or delete index while changing stream status"),
    "two actions in one": ("$D", {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "gsi"}, "Update": {"IndexName": "gsi"}}]}, INVALID + "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"),
    "provisioned, without units": ("$P", {"BillingMode": "PROVISIONED"}, INVALID + "ProvisionedThroughput must be specified when BillingMode is PROVISIONED"),
    "on demand, with units": ("$P", {**ON_DEMAND, "ProvisionedThroughput": units(6, 6)}, INVALID + "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST"),
}
EMPTY_WARM = INVALID + "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond specified for index: "
RANGE = INVALID + "Requested Max{}RequestUnits for OnDemandThroughput for {} is outside of valid range"
COLDER = INVALID + "Requested ReadUnitsPerSecond for WarmThroughput for {} is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
SAME = (
    "The provisioned throughput for {0} will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for {1}: {2}. Requested ReadCapacityUnits: {2}. "
    "Current WriteCapacityUnits provisioned for {1}: {2}. Requested WriteCapacityUnits: {2}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
)
CHANGES = {
    "the same units": ("$P", {"ProvisionedThroughput": units(5, 5)}, SAME.format("the table", "the table", 5)),
    "the same mode and units": ("$P", {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units(5, 5)}, SAME.format("the table", "the table", 5)),
    "the same units of an index": ("$P", {"GlobalSecondaryIndexUpdates": change_index(ProvisionedThroughput=units(2, 2))}, SAME.format("the index gsi", "index gsi", 2)),
    "units of an index on demand": ("$D", {"GlobalSecondaryIndexUpdates": change_index(ProvisionedThroughput=units(2, 2))}, INVALID + "The only Updates for index: gsi when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"),
    "nothing of an index": ("$D", {"GlobalSecondaryIndexUpdates": change_index(OnDemandThroughput={})}, INVALID + "The only Updates for index: gsi when TableThroughputMode is PAY_PER_REQUEST can be to OnDemandThroughput, WarmThroughput"),
    "no warmth of an index": ("$D", {"GlobalSecondaryIndexUpdates": change_index(WarmThroughput={})}, EMPTY_WARM + "gsi"),
    "no warmth of no index": ("$D", {"GlobalSecondaryIndexUpdates": change_index("ghost", WarmThroughput={})}, EMPTY_WARM + "ghost"),
    "a local index deleted": ("$D", {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "local"}}]}, "Cannot delete an index that is not a GlobalSecondaryIndex: local"),
    "a local index updated": ("$D", {"GlobalSecondaryIndexUpdates": change_index("local", WarmThroughput=WARM)}, "Cannot update an index that is not a GlobalSecondaryIndex: local"),
    "an index without definitions": ("$D", {"GlobalSecondaryIndexUpdates": new_index("new", "g")}, INVALID + "AttributeDefinitions is not specified for index: new"),
    "an index without units": ("$P", {"GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H}, INVALID + "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: new"),
    "an index with units": ("$D", {"GlobalSecondaryIndexUpdates": new_index(ProvisionedThroughput=units(1, 1)), "AttributeDefinitions": H}, INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when BillingMode is PAY_PER_REQUEST"),
    "an index of one attribute twice": ("$D", {"GlobalSecondaryIndexUpdates": new_index(), "AttributeDefinitions": H + H}, "Attribute Name is duplicated: h"),
    "request units, provisioned": ("$P", {"OnDemandThroughput": MOST}, INVALID + "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED"),
    "request units of an index, provisioned": ("$P", {"GlobalSecondaryIndexUpdates": change_index(OnDemandThroughput={"MaxWriteRequestUnits": 1})}, INVALID + "MaxWriteRequestUnits for OnDemandThroughput for index : gsi cannot be specified when the table BillingMode is PROVISIONED"),
    "no request units": ("$D", {"OnDemandThroughput": {"MaxWriteRequestUnits": 0}}, RANGE.format("Write", "table")),
    "negative request units": ("$D", {"OnDemandThroughput": {"MaxReadRequestUnits": -2}}, RANGE.format("Read", "table")),
    "no request units of an index": ("$D", {"GlobalSecondaryIndexUpdates": change_index(OnDemandThroughput={"MaxReadRequestUnits": 0})}, RANGE.format("Read", "index : gsi")),
    "colder": ("$D", {"WarmThroughput": {"ReadUnitsPerSecond": 11999}}, COLDER.format("table")),
    "colder than its units": ("$P", {"WarmThroughput": {"ReadUnitsPerSecond": 1}}, COLDER.format("table")),
    "a colder index": ("$D", {"GlobalSecondaryIndexUpdates": change_index(WarmThroughput={"ReadUnitsPerSecond": -1})}, COLDER.format("index gsi")),
    "encryption that is none": ("$D", {"SSESpecification": {}}, INVALID + "Table is already encrypted by default"),
    "no encryption of a type": ("$D", {"SSESpecification": {"Enabled": False, "SSEType": "KMS"}}, INVALID + "SSEType can not be specified if Enabled is false"),
    "a key without a type": ("$D", {"SSESpecification": {"Enabled": True, "KMSMasterKeyId": "alias/x"}}, INVALID + "SSEType KMS is required if KMSMasterKeyId is specified"),
    "a stream without a view": ("$D", {"StreamSpecification": {"StreamEnabled": True}}, INVALID + "If stream is being enabled then UpdateViewType is required"),
    "a table class": ("$D", {"TableClass": "GLACIER"}, "Invalid table-class parameter provided. Please try again with a valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS]."),
}


@pytest.mark.parametrize("case", [*TOGETHER, *CHANGES])
def test_a_change_is_refused(loose, house, case):
    table, change, why = {**TOGETHER, **CHANGES}[case]
    assert error_of(loose.update_table, TableName=house[table], **change) == (VALIDATION, why)


@pytest.mark.parametrize("case", TOGETHER)
def test_what_does_not_go_together_is_refused_before_the_table_is_looked_at(loose, case):
    _, change, why = TOGETHER[case]
    assert error_of(loose.update_table, TableName="nobody", **change) == (VALIDATION, why)


ABOUT_INITIAL = "See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
BELOW = INVALID + "Requested ReadUnitsPerSecond for WarmThroughput for {} is lower than "
NONE_OF = "{} validation errors detected: Value {} at 'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: {}; Value {} at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: {}"
PG = {"AttributeDefinitions": types("pk", "g")}
CREATES = {
    "no capacity at all": ({}, INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    "zero units": ({"ProvisionedThroughput": units(0, 0)}, NONE_OF.format(2, *["'0'", "Member must have value greater than or equal to 1"] * 2)),
    "units without members": ({"ProvisionedThroughput": {}}, NONE_OF.format(2, *["null", "Member must not be null"] * 2)),
    "no definitions": ({**ON_DEMAND, "AttributeDefinitions": []}, "Invalid KeySchema: Some index key attribute have no definition"),
    "one definition twice": ({**ON_DEMAND, "AttributeDefinitions": types("pk", "pk")}, "Attribute Name is duplicated: pk"),
    "request units with units": ({"ProvisionedThroughput": units(1, 1), "OnDemandThroughput": {"MaxWriteRequestUnits": 1}}, INVALID + "MaxWriteRequestUnits for OnDemandThroughput cannot be specified when table BillingMode is PROVISIONED."),
    "no bound of request units": ({**ON_DEMAND, "OnDemandThroughput": {"MaxReadRequestUnits": -1}}, RANGE.format("Read", "table")),
    "no bound of an index": ({**ON_DEMAND, **PG, "GlobalSecondaryIndexes": [index("gsi", "g", OnDemandThroughput={"MaxReadRequestUnits": -1})]}, RANGE.format("Read", "index : gsi")),
    "cold": ({**ON_DEMAND, "WarmThroughput": {"ReadUnitsPerSecond": 1}}, BELOW.format("table") + "initial throughput for OnDemand. " + ABOUT_INITIAL),
    "a cold index": ({**ON_DEMAND, **PG, "GlobalSecondaryIndexes": [index("gsi", "g", WarmThroughput={"ReadUnitsPerSecond": 1})]}, BELOW.format("index gsi") + "initial throughput for OnDemand. " + ABOUT_INITIAL),
    "colder than its units": ({"ProvisionedThroughput": units(10, 10), "WarmThroughput": {"ReadUnitsPerSecond": 5}}, BELOW.format("table") + "ReadCapacityUnits of ProvisionedThroughput"),
    "an attribute shown twice": ({**ON_DEMAND, **PG, "GlobalSecondaryIndexes": [index("gsi", "g", shown=["x", "y", "x"])]}, INVALID + "Duplicate element in NonKeyAttributes: x"),
    "what is not used comes first": ({**ON_DEMAND, "AttributeDefinitions": types("pk", "g", "x"), "GlobalSecondaryIndexes": [index("gsi", "g", shown=["x", "x"])]}, INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, g, x], keys used: [pk, g]"),
    "a stream's view": ({**ON_DEMAND, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "new"}}, "1 validation error detected: Value 'new' at 'streamSpecification.streamViewType' failed to satisfy constraint: Member must satisfy enum value set: [OLD_IMAGE, KEYS_ONLY, NEW_AND_OLD_IMAGES, NEW_IMAGE]"),
    "a key without encryption": ({**ON_DEMAND, "SSESpecification": {"Enabled": False, "KMSMasterKeyId": "alias/x"}}, INVALID + "KMSMasterKeyId can not be specified if Enabled is false"),
}


@pytest.mark.parametrize("case", CREATES)
def test_a_table_is_not_made(loose, case):
    wrong, why = CREATES[case]
    name = unique("none")
    assert error_of(loose.create_table, **{"TableName": name, "KeySchema": schema("pk"), "AttributeDefinitions": types("pk"), **wrong}) == (VALIDATION, why)
    assert error_of(loose.describe_table, TableName=name)[0] == "ResourceNotFoundException"


ABOVE = f" maximum for the account in {REGION}. Per table maximum: 40000. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


def test_capacity_has_a_quota(loose, house):
    of_account = f"exceeds TableMaxReadCapacityUnits of the account in region {REGION}"
    for table, change, why in (
        ("$P", {"ProvisionedThroughput": units(40001, 5)}, f"The requested ReadCapacityUnits, 40001, is above the per table{ABOVE}"),
        ("$P", {"GlobalSecondaryIndexUpdates": change_index(ProvisionedThroughput=units(2, 40001))}, f"The requested WriteCapacityUnits for index gsi, 40001, is above the per index{ABOVE}"),
        ("$D", {"OnDemandThroughput": {"MaxReadRequestUnits": 40001}}, f"Subscriber limit exceeded: Requested MaxReadRequestUnits for OnDemandThroughput for table {of_account}"),
        ("$D", {"GlobalSecondaryIndexUpdates": change_index(OnDemandThroughput={"MaxReadRequestUnits": 40001})}, f"Subscriber limit exceeded: Requested MaxReadRequestUnits for OnDemandThroughput for index : gsi {of_account}"),
        ("$D", {"GlobalSecondaryIndexUpdates": change_index(WarmThroughput={"ReadUnitsPerSecond": 40001})}, f"Subscriber limit exceeded: Requested ReadUnitsPerSecond for WarmThroughput for index gsi {of_account}"),
    ):
        assert error_of(loose.update_table, TableName=house[table], **change) == (LIMIT, why)
    refused = error_of(loose.create_table, TableName="much", KeySchema=schema("pk"), AttributeDefinitions=types("pk"), ProvisionedThroughput=units(40001, 1))
    assert refused == (LIMIT, f"The requested ReadCapacityUnits, 40001, is above the per table{ABOVE}")


def test_lists_are_shown_by_name(loose, make):
    indexes = [index("later", "z", shown=["zz", "aa", "z"]), index("first", "a", "m")]
    name = make(KeySchema=schema("pk", "sk"), AttributeDefinitions=types("z", "a", "m", "sk", "pk"), GlobalSecondaryIndexes=indexes)
    table = described(loose, name)
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["a", "m", "pk", "sk", "z"]
    assert [one["IndexName"] for one in table["GlobalSecondaryIndexes"]] == ["later", "first"]
    assert table["GlobalSecondaryIndexes"][0]["Projection"]["NonKeyAttributes"] == ["aa", "z", "zz"]


def test_definitions_matter_to_new_indexes_only(loose, make):
    name = make(AttributeDefinitions=types("pk", "g"), GlobalSecondaryIndexes=[index("gsi", "g")])
    odd = [{"AttributeName": "pk", "AttributeType": "N"}, {"AttributeName": "other", "AttributeType": "B"}]
    for change in ({"DeletionProtectionEnabled": False}, ON_DEMAND, {"GlobalSecondaryIndexUpdates": change_index(OnDemandThroughput=MOST)}):
        for definitions in (odd, []):
            loose.update_table(TableName=name, AttributeDefinitions=definitions, **change)
    assert described(loose, name)["AttributeDefinitions"] == types("g", "pk")
    loose.update_table(TableName=name, AttributeDefinitions=odd + types("h"), GlobalSecondaryIndexUpdates=new_index())
    assert described(loose, name)["AttributeDefinitions"] == types("g", "h", "pk")
    eventually(lambda: all(one["IndexStatus"] == "ACTIVE" for one in described(loose, name)["GlobalSecondaryIndexes"]))
    loose.update_table(TableName=name, GlobalSecondaryIndexUpdates=GONE)
    assert described(loose, name)["AttributeDefinitions"] == types("h", "pk")


def test_request_units_are_set_and_cleared_one_by_one(loose, make):
    name = make()
    read, write = (lambda units: {"MaxReadRequestUnits": units}), (lambda units: {"MaxWriteRequestUnits": units})
    for asked, answered, shown in (
        ({**read(1000), **write(500)}, {**read(1000), **write(500)}, {**read(1000), **write(500)}),
        (read(2000), {**read(2000), **write(500)}, {**read(2000), **write(500)}),
        (read(-1), {**read(-1), **write(500)}, write(500)),
        (write(-1), write(-1), None),
        ({**read(-1), **write(-1)}, {**read(-1), **write(-1)}, None),
        (read(300), read(300), read(300)),
    ):
        changed = loose.update_table(TableName=name, OnDemandThroughput=asked)["TableDescription"]
        assert (changed["TableStatus"], changed["OnDemandThroughput"]) == ("ACTIVE", answered)
        assert described(loose, name).get("OnDemandThroughput") == shown
    loose.update_table(TableName=name, BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
    assert "OnDemandThroughput" not in described(loose, name)
    switched = loose.update_table(TableName=name, **ON_DEMAND, OnDemandThroughput=MOST)["TableDescription"]
    assert switched["OnDemandThroughput"] == MOST and described(loose, name)["OnDemandThroughput"] == MOST


def test_what_is_taken_at_once_never_shrinks(loose, make):
    name = make(ProvisionedThroughput=units(1, 1), AttributeDefinitions=types("pk", "g"), GlobalSecondaryIndexes=[index("gsi", "g", ProvisionedThroughput=units(3, 4))])
    warm = lambda of: (of["WarmThroughput"]["ReadUnitsPerSecond"], of["WarmThroughput"]["WriteUnitsPerSecond"])
    shown = lambda: (warm(described(loose, name)), warm(described(loose, name)["GlobalSecondaryIndexes"][0]))
    update = lambda **change: loose.update_table(TableName=name, **change)["TableDescription"]
    assert shown() == ((1, 1), (3, 4))
    update(ProvisionedThroughput=units(3, 3))
    update(ProvisionedThroughput=units(1, 2), GlobalSecondaryIndexUpdates=change_index(ProvisionedThroughput=units(1, 5)))
    assert shown() == ((3, 3), (3, 5))
    update(**ON_DEMAND)
    assert shown() == ((12000, 4000), (12000, 4000))
    update(BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1), GlobalSecondaryIndexUpdates=change_index(ProvisionedThroughput=units(1, 1)))
    assert shown() == ((12000, 4000), (12000, 4000))
    answered = update(GlobalSecondaryIndexUpdates=change_index(WarmThroughput={"ReadUnitsPerSecond": 12002}))
    [one] = answered["GlobalSecondaryIndexes"]
    assert (answered["TableStatus"], one["IndexStatus"], one["WarmThroughput"]["Status"], warm(one)) == ("ACTIVE", "ACTIVE", "UPDATING", (12000, 4000))
    assert shown()[1] == (12002, 4000)
    assert update(WarmThroughput={"ReadUnitsPerSecond": 12000})["WarmThroughput"]["Status"] == "UPDATING", "the same is fine"


def test_answers_show_what_was(loose, make):
    name = make(ProvisionedThroughput=units(1, 1), AttributeDefinitions=types("pk", "g"), GlobalSecondaryIndexes=[index("gsi", "g", ProvisionedThroughput=units(4, 4))])
    update = lambda **change: loose.update_table(TableName=name, **change)["TableDescription"]
    of = lambda shown: (shown["ProvisionedThroughput"]["ReadCapacityUnits"], shown["ProvisionedThroughput"]["NumberOfDecreasesToday"])
    answered = update(ProvisionedThroughput=units(2, 2))
    assert (answered["TableStatus"], of(answered), "LastIncreaseDateTime" in answered["ProvisionedThroughput"]) == ("UPDATING", (1, 0), True)
    assert of(described(loose, name)) == (2, 0)
    answered = update(GlobalSecondaryIndexUpdates=change_index(ProvisionedThroughput=units(3, 3)))
    [one] = answered["GlobalSecondaryIndexes"]
    assert (answered["TableStatus"], one["IndexStatus"], of(one)) == ("ACTIVE", "UPDATING", (4, 0))
    assert of(described(loose, name)["GlobalSecondaryIndexes"][0]) == (3, 1)
    assert "BillingModeSummary" not in update(BillingMode="PROVISIONED", ProvisionedThroughput=units(3, 3))
    answered = update(**ON_DEMAND)
    assert (of(answered), answered["BillingModeSummary"]) == ((0, 0), {"BillingMode": "PAY_PER_REQUEST"})
    assert of(described(loose, name)["GlobalSecondaryIndexes"][0]) == (0, 2), "a switch takes an index's units away"
    again = update(**ON_DEMAND)
    assert (again["TableStatus"], again["BillingModeSummary"]) == ("UPDATING", described(loose, name)["BillingModeSummary"])


def test_a_class_is_shown_once_it_was_named_or_changed(loose, make):
    assert described(loose, make(TableClass="STANDARD"))["TableClassSummary"] == {"TableClass": "STANDARD"}
    name = make()
    update = lambda kind: loose.update_table(TableName=name, TableClass=kind)["TableDescription"]
    same = update("STANDARD")
    assert same["TableStatus"] == "UPDATING" and "TableClassSummary" not in same and "TableClassSummary" not in described(loose, name)
    assert "TableClassSummary" not in update("STANDARD_INFREQUENT_ACCESS")
    rare = described(loose, name)["TableClassSummary"]
    assert rare["TableClass"] == "STANDARD_INFREQUENT_ACCESS" and rare["LastUpdateDateTime"]
    assert update("STANDARD_INFREQUENT_ACCESS")["TableClassSummary"] == rare == described(loose, name)["TableClassSummary"]
    assert update("STANDARD")["TableClassSummary"] == rare
    assert described(loose, name)["TableClassSummary"]["TableClass"] == "STANDARD"


def test_encryption_changes(loose, make):
    own = described(loose, make(SSESpecification={"Enabled": True}))["SSEDescription"]
    for spelled in ({"SSEType": "KMS"}, {"SSEType": "KMS", "KMSMasterKeyId": "alias/aws/dynamodb"}):
        assert described(loose, make(SSESpecification=spelled))["SSEDescription"] == own
    assert "SSEDescription" not in described(loose, make(SSESpecification={}))
    name, key = make(), f"arn:aws:kms:{REGION}:{ACCOUNT}:key/own"
    named = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    update = lambda **specification: loose.update_table(TableName=name, SSESpecification=specification)["TableDescription"]
    answered = update(Enabled=True)
    assert (answered["TableStatus"], answered["SSEDescription"]) == ("ACTIVE", {"Status": "UPDATING"})
    assert described(loose, name)["SSEDescription"] == own
    assert update(**named)["SSEDescription"] == {**own, "Status": "UPDATING"}
    assert described(loose, name)["SSEDescription"]["KMSMasterKeyArn"] == key
    why = INVALID + "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key"
    assert error_of(loose.update_table, TableName=name, SSESpecification=named) == (VALIDATION, why)
    update(**{**named, "KMSMasterKeyId": "own"})
    assert update(Enabled=False)["SSEDescription"]["KMSMasterKeyArn"] == key
    assert "SSEDescription" not in described(loose, name)


def test_tables_that_come_and_go_show_less(loose):
    name = unique("less")
    create = {"KeySchema": schema("pk"), "AttributeDefinitions": types("pk", "g"), **ON_DEMAND, "GlobalSecondaryIndexes": [index("gsi", "g")]}
    made = loose.create_table(TableName=name, **create)["TableDescription"]
    assert "WarmThroughput" not in made and "WarmThroughput" not in made["GlobalSecondaryIndexes"][0]
    assert "WarmThroughput" in described(loose, name)["GlobalSecondaryIndexes"][0]
    assert "WarmThroughput" not in loose.delete_table(TableName=name)["TableDescription"]
    made = loose.create_table(TableName=name, **create, WarmThroughput={"ReadUnitsPerSecond": 12001})["TableDescription"]
    assert made["WarmThroughput"] == {"ReadUnitsPerSecond": 12001, "WriteUnitsPerSecond": 4000, "Status": "UPDATING"}
    loose.delete_table(TableName=name)


TEMPLATE = """
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: g, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      ProvisionedThroughput: {ReadCapacityUnits: 3, WriteCapacityUnits: 4}
      SSESpecification: %(encryption)s
      TableClass: %(kind)s
      %(more)s
      GlobalSecondaryIndexes:
        - IndexName: gsi
          KeySchema: [{AttributeName: g, KeyType: HASH}]
          Projection: {ProjectionType: INCLUDE, NonKeyAttributes: [z, a]}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
Outputs:
  Table: {Value: !Ref Table}
"""


def test_a_stack_asks_for_one_change_after_the_other(loose, application):
    """What a template says anew, but the table has already, is not asked for; the rest is, one by one."""
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/own"
    app = application({"template.yaml": TEMPLATE % {"encryption": f"{{SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: '{key}'}}", "kind": "STANDARD", "more": ""}})
    app.deploy()
    made = described(loose, app.outputs["Table"])
    loose.put_item(TableName=app.outputs["Table"], Item={"pk": {"S": "a"}, "g": {"S": "g"}})
    changed = {"encryption": f"{{SSEEnabled: true, KMSMasterKeyId: '{key}', SSEType: KMS}}", "kind": "STANDARD_INFREQUENT_ACCESS", "more": "BillingMode: PROVISIONED\n      DeletionProtectionEnabled: false"}
    app.write({"template.yaml": TEMPLATE % changed})
    assert app.changes(app.deploy()) == ["UPDATE Table"]
    table = described(loose, app.outputs["Table"])
    assert (table["TableClassSummary"]["TableClass"], table["SSEDescription"]) == ("STANDARD_INFREQUENT_ACCESS", made["SSEDescription"])
    assert "LastIncreaseDateTime" not in table["ProvisionedThroughput"]
    assert table["GlobalSecondaryIndexes"][0]["IndexArn"] == made["GlobalSecondaryIndexes"][0]["IndexArn"]
    on_demand = TEMPLATE.replace("      ProvisionedThroughput: {ReadCapacityUnits: 3, WriteCapacityUnits: 4}\n", "").replace("          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}\n", "")
    app.write({"template.yaml": on_demand % {**changed, "encryption": "{SSEEnabled: false}", "more": "BillingMode: PAY_PER_REQUEST\n      StreamSpecification: {StreamViewType: KEYS_ONLY}"}})
    assert app.changes(app.deploy()) == ["UPDATE Table"]
    table = described(loose, app.outputs["Table"])
    assert (table["BillingModeSummary"]["BillingMode"], "SSEDescription" in table, table["StreamSpecification"]["StreamEnabled"]) == ("PAY_PER_REQUEST", False, True)
    app.delete()
