"""DynamoDB: contributor insights, which are switched on and off for a table and for each global index. Answers are AWS's, as probed in 2026."""

import pytest
from conftest import error_of
from test_dynamodb import make_table  # noqa: F401

BOTH = "ACCESSED_AND_THROTTLED_KEYS"


@pytest.fixture
def switch(dynamodb):
    def call(table, action, **more):
        answer = dynamodb.update_contributor_insights(TableName=table, ContributorInsightsAction=action, **more)
        return answer["ContributorInsightsStatus"], answer.get("ContributorInsightsMode")

    return call


def described(dynamodb, table, **more):
    answer = dynamodb.describe_contributor_insights(TableName=table, **more)
    answer.pop("ResponseMetadata")
    return answer


def test_what_is_so_already_stays_as_it_is(dynamodb, switch, make_table):
    name = make_table(range_type="S")
    assert described(dynamodb, name) == {"TableName": name, "ContributorInsightsStatus": "DISABLED"}
    assert switch(name, "DISABLE") == ("DISABLED", None)
    assert switch(name, "ENABLE") == ("ENABLING", BOTH)
    on = described(dynamodb, name)
    assert (on["ContributorInsightsStatus"], len(on["ContributorInsightsRuleList"])) == ("ENABLED", 4)
    assert switch(name, "ENABLE") == ("ENABLED", BOTH)
    assert described(dynamodb, name) == on


def test_rules_that_stay_keep_their_names(dynamodb, switch, make_table):
    name = make_table(range_type="S")
    switch(name, "ENABLE")
    rules = described(dynamodb, name)["ContributorInsightsRuleList"]
    assert switch(name, "ENABLE", ContributorInsightsMode="THROTTLED_KEYS") == ("ENABLING", "THROTTLED_KEYS")
    fewer = described(dynamodb, name)["ContributorInsightsRuleList"]
    assert len(fewer) == 2 and set(fewer) < set(rules)
    assert switch(name, "ENABLE") == ("ENABLING", BOTH), "a mode that is not said is the default one"


def test_what_was_switched_off_is_described_and_not_listed(dynamodb, switch, make_table):
    name = make_table()
    switch(name, "ENABLE")
    assert switch(name, "DISABLE") == ("DISABLING", BOTH)
    off = described(dynamodb, name)
    assert off.pop("LastUpdateDateTime") and off == {"TableName": name, "ContributorInsightsStatus": "DISABLED", "ContributorInsightsMode": BOTH}
    assert switch(name, "DISABLE") == ("DISABLED", BOTH)
    assert dynamodb.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"] == []
    assert switch(name, "ENABLE") == ("ENABLING", BOTH)


def test_insights_are_of_global_indexes_too_and_go_with_them(dynamodb, switch, make_table):
    name = make_table(range_type="S", local=[("lsi", [("pk", "S", "HASH"), ("l", "S", "RANGE")], "ALL")], indexes=[("gsi", [("g", "S", "HASH")], "ALL")])
    missing = lambda index: ("ResourceNotFoundException", f"Requested resource not found: Index: {index} not found for table: {name}")
    for index in ("lsi", "nope"):
        assert error_of(switch, name, "ENABLE", IndexName=index) == missing(index)
        assert error_of(described, dynamodb, name, IndexName=index) == missing(index)
    assert switch(name, "ENABLE", IndexName="gsi") == ("ENABLING", BOTH)
    listed = lambda: [one.get("IndexName") for one in dynamodb.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"]]
    assert listed() == ["gsi"]
    dynamodb.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "gsi"}}])
    assert listed() == []
    assert error_of(described, dynamodb, name, IndexName="gsi") == missing("gsi")
    assert error_of(dynamodb.list_contributor_insights, TableName="nobody") == ("ResourceNotFoundException", "Requested resource not found: Table: nobody not found")
