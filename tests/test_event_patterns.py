"""Event patterns through TestEventPattern: what each operator matches and what it does not."""

import json

import pytest
from conftest import error_of

HEAD = {
    "id": "7bf73129-1428-4cd3-a780-95db273d1602", "account": "123456789012", "source": "app.orders", "detail-type": "Order",
    "time": "2024-01-01T10:00:00Z", "region": "us-east-1", "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-1"],
}
DETAIL = {
    "state": "Running", "count": 5, "price": 10.5, "ok": True, "none": None, "ip": "10.0.0.17", "ip6": "2001:db8::7",
    "file": "photo.PNG", "path": "dir/sub/file.txt", "list": ["a", "b"], "empty": [], "text": "",
    "big": 9007199254740993, "nested": {"a": {"b": "deep"}}, "items": [{"k": "x", "n": 1}, {"k": "y", "n": 2}], "star": "a*b",
}


def detail(**fields):
    return {"detail": fields}


CASES = [
    ("one source", {"source": ["app.orders"]}, True),
    ("another source", {"source": ["app.bills"]}, False),
    ("one of several", {"source": ["app.bills", "app.orders"]}, True),
    ("all fields must match", {"source": ["app.orders"], "detail-type": ["Bill"]}, False),
    ("two fields", {"source": ["app.orders"], "detail-type": ["Order"]}, True),
    ("a resource", {"resources": [{"prefix": "arn:aws:ec2:"}]}, True),
    ("account", {"account": ["123456789012"]}, True),
    ("exact text", detail(state=["Running"]), True),
    ("exact text minds case", detail(state=["running"]), False),
    ("exact empty text", detail(text=[""]), True),
    ("number", detail(count=[5]), True),
    ("number of another form", detail(count=[5.0]), True),
    ("number is no text", detail(count=["5"]), False),
    ("true", detail(ok=[True]), True),
    ("false", detail(ok=[False]), False),
    ("null", detail(none=[None]), True),
    ("null is not there", detail(state=[None]), False),
    ("an element of a list", detail(list=["b"]), True),
    ("no element of a list", detail(list=["c"]), False),
    ("nested", detail(nested={"a": {"b": ["deep"]}}), True),
    ("nested, elsewhere", detail(nested={"b": ["deep"]}), False),
    ("objects in a list", detail(items={"k": ["x"], "n": [1]}), True),
    ("one object has both", detail(items={"k": ["x"], "n": [2]}), False),
    ("prefix", detail(state=[{"prefix": "Run"}]), True),
    ("prefix minds case", detail(state=[{"prefix": "run"}]), False),
    ("prefix without case", detail(state=[{"prefix": {"equals-ignore-case": "run"}}]), True),
    ("prefix of nothing", detail(state=[{"prefix": ""}]), True),
    ("prefix of a number", detail(count=[{"prefix": "5"}]), False),
    ("suffix", detail(file=[{"suffix": ".PNG"}]), True),
    ("suffix minds case", detail(file=[{"suffix": ".png"}]), False),
    ("suffix without case", detail(file=[{"suffix": {"equals-ignore-case": ".png"}}]), True),
    ("anything but", detail(state=[{"anything-but": "Stopped"}]), True),
    ("anything but this", detail(state=[{"anything-but": "Running"}]), False),
    ("anything but a list", detail(state=[{"anything-but": ["Stopped", "Running"]}]), False),
    ("anything but a number", detail(count=[{"anything-but": 5}]), False),
    ("anything but other numbers", detail(count=[{"anything-but": [1, 2]}]), True),
    ("anything but a prefix", detail(state=[{"anything-but": {"prefix": "Run"}}]), False),
    ("anything but prefixes", detail(state=[{"anything-but": {"prefix": ["Stop", "Term"]}}]), True),
    ("anything but a suffix", detail(file=[{"anything-but": {"suffix": ".jpg"}}]), True),
    ("anything but suffixes", detail(file=[{"anything-but": {"suffix": [".jpg", ".PNG"]}}]), False),
    ("anything but, without case", detail(state=[{"anything-but": {"equals-ignore-case": "RUNNING"}}]), False),
    ("anything but those, without case", detail(state=[{"anything-but": {"equals-ignore-case": ["a", "b"]}}]), True),
    ("anything but a wildcard", detail(path=[{"anything-but": {"wildcard": "*/sub/*"}}]), False),
    ("anything but wildcards", detail(path=[{"anything-but": {"wildcard": ["*.png", "x*"]}}]), True),
    ("anything but, absent", detail(absent=[{"anything-but": "x"}]), False),
    ("equals", detail(count=[{"numeric": ["=", 5]}]), True),
    ("less", detail(count=[{"numeric": ["<", 5]}]), False),
    ("less or equal", detail(count=[{"numeric": ["<=", 5]}]), True),
    ("greater", detail(price=[{"numeric": [">", 10.4]}]), True),
    ("greater or equal", detail(price=[{"numeric": [">=", 10.6]}]), False),
    ("between", detail(price=[{"numeric": [">", 10, "<", 11]}]), True),
    ("not between", detail(price=[{"numeric": [">=", 0, "<=", 10]}]), False),
    ("numeric of a text", detail(state=[{"numeric": [">", 0]}]), False),
    ("numbers beyond doubles", detail(big=[{"numeric": [">", 9007199254740992]}]), True),
    ("exponents", detail(count=[{"numeric": ["<", 1e2]}]), True),
    ("address", detail(ip=[{"cidr": "10.0.0.0/24"}]), True),
    ("address of another block", detail(ip=[{"cidr": "10.0.1.0/24"}]), False),
    ("every address", detail(ip=[{"cidr": "0.0.0.0/0"}]), True),
    ("longer address", detail(ip6=[{"cidr": "2001:db8::/32"}]), True),
    ("no address", detail(state=[{"cidr": "10.0.0.0/8"}]), False),
    ("there", detail(state=[{"exists": True}]), True),
    ("there as null", detail(none=[{"exists": True}]), True),
    ("not there", detail(absent=[{"exists": True}]), False),
    ("absent", detail(absent=[{"exists": False}]), True),
    ("absent, but there", detail(state=[{"exists": False}]), False),
    ("absent below absent", detail(absent={"deep": [{"exists": False}]}), True),
    ("an empty list is absent", detail(empty=[{"exists": False}]), True),
    ("without case", detail(state=[{"equals-ignore-case": "RUNNING"}]), True),
    ("without case, another", detail(state=[{"equals-ignore-case": "RUNNIN"}]), False),
    ("wildcard", detail(path=[{"wildcard": "dir/*/file.*"}]), True),
    ("wildcard at the end", detail(path=[{"wildcard": "dir*"}]), True),
    ("wildcard for nothing", detail(state=[{"wildcard": "Running*"}]), True),
    ("wildcard, not all of it", detail(path=[{"wildcard": "*/sub"}]), False),
    ("wildcard does not overlap", detail(state=[{"wildcard": "Runni*unning"}]), False),
    ("escaped star", detail(star=[{"wildcard": "a\\*b"}]), True),
    ("escaped star is no wildcard", detail(path=[{"wildcard": "dir\\*"}]), False),
    ("one of several operators", detail(state=[{"prefix": "x"}, {"suffix": "ning"}, "y"]), True),
    ("$or, one", {"$or": [{"source": ["x"]}, {"detail-type": ["Order"]}]}, True),
    ("$or, none", {"$or": [{"source": ["x"]}, {"detail-type": ["y"]}]}, False),
    ("$or inside", detail(**{"$or": [{"count": [{"numeric": [">", 9]}]}, {"state": ["Running"]}]}), True),
    ("$or and more", {"source": ["x"], "$or": [{"account": ["123456789012"]}, {"region": ["us-east-1"]}]}, False),
    ("$or within $or", {"$or": [{"source": ["x"]}, {"$or": [{"source": ["y"]}, {"source": ["app.orders"]}]}]}, True),
]


@pytest.mark.parametrize("pattern, expected", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_pattern(aws, pattern, expected):
    event = json.dumps({**HEAD, "detail": DETAIL})
    assert aws("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=event)["Result"] is expected


BAD = [
    ("[]", "Filter is not an object"),
    ("{}", "Empty objects are not allowed"),
    ('{"a": "b"}', '"a" must be an object or an array'),
    ('{"a": []}', "Empty arrays are not allowed"),
    ('{"a": [["b"]]}', "Match value must be String, number, true, false, or null"),
    ('{"a": [{"like": "b"}]}', "Unrecognized match type like"),
    ('{"a": [{"prefix": 1}]}', "prefix match pattern must be a string"),
    ('{"a": [{"numeric": ["!", 1]}]}', "Unrecognized numeric range operator: !"),
    ('{"a": [{"numeric": [">", 5, "<", 1]}]}', "Bottom must be less than top"),
    ('{"a": [{"exists": 1}]}', "exists match pattern must be either true or false."),
    ('{"a": [{"anything-but": true}]}', "Value of anything-but must be an array or single string/number value."),
    ('{"a": [{"wildcard": "a**"}]}', "Consecutive wildcard characters at pos 2"),
    ('{"$or": [{"a": [1]}]}', "There must have at least 2 Objects in $or relationship."),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "Only one key allowed in match expression"),
]


@pytest.mark.parametrize("pattern, reason", BAD)
def test_a_pattern_that_is_none(aws, pattern, reason):
    code, message = error_of(aws("events").test_event_pattern, EventPattern=pattern, Event=json.dumps({**HEAD, "detail": {}}))
    assert (code, message) == ("InvalidEventPatternException", f"Event pattern is not valid. Reason: {reason}")


def test_a_hostile_pattern_takes_no_time(aws):
    pattern = json.dumps({"detail": {"x": [{"wildcard": "*a" * 1500 + "*b"}]}})
    event = json.dumps({**HEAD, "detail": {"x": "a" * 100_000}})
    assert aws("events").test_event_pattern(EventPattern=pattern, Event=event)["Result"] is False
