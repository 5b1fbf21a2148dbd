"""DynamoDB through a mapper that others wrote on top of boto3: PynamoDB makes its own expressions, pages, retries and tokens."""

import datetime

import pytest
from conftest import unique
from pynamodb.attributes import (
    BinaryAttribute, JSONAttribute, ListAttribute, MapAttribute, NumberAttribute, NumberSetAttribute, TTLAttribute, UnicodeAttribute,
    UnicodeSetAttribute, UTCDateTimeAttribute, VersionAttribute,
)  # fmt: skip
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection, LocalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

REGION = "us-east-1"


class ByViews(GlobalSecondaryIndex):
    class Meta:
        index_name = "by_views"
        projection = AllProjection()

    views = NumberAttribute(hash_key=True)


class ByKind(LocalSecondaryIndex):
    class Meta:
        index_name = "by_kind"
        projection = IncludeProjection(["tags"])

    forum = UnicodeAttribute(hash_key=True)
    kind = UnicodeAttribute(range_key=True)


class Place(MapAttribute):
    name = UnicodeAttribute(null=True)
    rank = NumberAttribute(null=True)


@pytest.fixture
def threads(platform):
    class Thread(Model):
        class Meta:
            table_name = unique("threads")
            host = f"http://127.0.0.1:{platform.port}"
            region = REGION
            billing_mode = "PAY_PER_REQUEST"
            aws_access_key_id, aws_secret_access_key = "test", "test"

        forum = UnicodeAttribute(hash_key=True)
        subject = UnicodeAttribute(range_key=True)
        views = NumberAttribute(default=0)
        kind = UnicodeAttribute(null=True)
        tags = UnicodeSetAttribute(null=True)
        marks = NumberSetAttribute(null=True)
        picture = BinaryAttribute(null=True, legacy_encoding=False)
        place = Place(null=True)
        log = ListAttribute(null=True)
        extra = JSONAttribute(null=True)
        at = UTCDateTimeAttribute(null=True)
        gone = TTLAttribute(null=True)
        version = VersionAttribute()
        by_views = ByViews()
        by_kind = ByKind()

    Thread.create_table(wait=False)
    yield Thread
    Thread.delete_table()


def test_items_of_every_type_come_back_and_change_by_version(threads):
    at = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    item = threads(
        "f", "s", tags={"a", "b"}, marks={1, 2.5}, picture=b"\0\xff", place=Place(name="x"), log=[1, {"k": [True, None]}], extra={"q": [1]}, at=at,
        gone=datetime.timedelta(days=1),
    )  # fmt: skip
    item.save()
    found = threads.get("f", "s", consistent_read=True)
    assert (found.tags, found.picture, found.marks, found.at, found.version) == ({"a", "b"}, b"\0\xff", {1, 2.5}, at, 1)
    assert (found.place.name, found.log, found.extra) == ("x", [1, {"k": [True, None]}], {"q": [1]})
    found.update(
        actions=[
            threads.views.add(3), threads.tags.delete({"a"}), threads.log.set(threads.log.append([9])), threads.place.name.set("y"),
            threads.marks.remove(), threads.kind.set(threads.kind | "plain"),
        ],
        condition=(threads.views == 0) & threads.kind.does_not_exist(),
    )  # fmt: skip
    assert (found.views, found.tags, found.log[-1], found.place.name, found.marks, found.kind, found.version) == (3, {"b"}, 9, "y", None, "plain", 2)
    with pytest.raises(PutError, match="ConditionalCheckFailed"):
        item.save()
    with pytest.raises(DeleteError, match="ConditionalCheckFailed"):
        item.delete()
    found.delete()
    with pytest.raises(DoesNotExist):
        threads.get("f", "s")


def test_batches_queries_and_scans_page_through_tables_and_indexes(threads):
    with threads.batch_write() as batch:
        for place in range(70):
            batch.save(threads("q", f"{place:03}", views=place % 5, kind=f"k{place % 3}", tags={str(place)}))
    assert threads.count("q") == 70
    some = threads.query("q", threads.subject.between("010", "019"), threads.views.is_in(1, 2) | threads.tags.contains("10"))
    assert [item.subject for item in some] == ["010", "011", "012", "016", "017"]
    pages = threads.query("q", limit=33, page_size=10, scan_index_forward=False)
    assert [item.subject for item in pages][::32] == ["069", "037"] and pages.last_evaluated_key["subject"] == {"S": "037"}
    assert sorted(item.subject for item in threads.by_views.query(3, filter_condition=threads.kind.startswith("k1"))) == ["013", "028", "043", "058"]
    assert len(list(threads.query("q", threads.kind == "k2", index_name="by_kind"))) == 23
    halves = [{item.subject for item in threads.scan(segment=segment, total_segments=2)} for segment in (0, 1)]
    assert len(halves[0] | halves[1]) == 70 and not halves[0] & halves[1]
    assert len(list(threads.batch_get([("q", f"{place:03}") for place in range(140)]))) == 70


def test_transactions_are_all_or_nothing(threads, platform):
    connection = Connection(region=REGION, host=f"http://127.0.0.1:{platform.port}")
    connection.session.set_credentials("test", "test")
    with TransactWrite(connection=connection, client_request_token=unique("token")) as write:
        write.save(threads("x", "1", views=1))
        write.save(threads("x", "2", views=2))
    with pytest.raises(TransactWriteError) as refused, TransactWrite(connection=connection) as write:
        write.condition_check(threads, "x", "1", condition=threads.views == 99)
        write.update(threads("x", "2", version=1), actions=[threads.views.set(5)])
    reasons = refused.value.cancellation_reasons
    assert (reasons[0].code, reasons[1]) == ("ConditionalCheckFailed", None)
    with TransactGet(connection=connection) as read:
        one, two = read.get(threads, "x", "1"), read.get(threads, "x", "2")
    assert (one.get().views, two.get().views) == (1, 2)
