"""Requests about items that are wrong: each is refused with AWS's code and text, and the tables are as they were."""

import json
import re

import pytest
from conftest import ACCOUNT, REGION, error_of
from dynamodb_requests import (
    A, CK, DIGITS, EMPTY_VALUE, ENUM_CAPACITY, INDEX_KEYS_ARE, INVALID, K, KEYS_ARE, MAGNITUDE, MISSING, MIXED, NOT_VALID, NO_MATCH, NO_NUMBER,
    NO_RESOURCE, ONE, REQUESTS, SEVERAL_TYPES, SHORT, SMALL, TOO_DEEP, VALIDATION, batch_get, batch_write, binary, change, check_refused, checked, delete,
    enum, found, get, house, nested, number, part, pattern, put, putting, query, scan, tbl, text, transact, update,
)

CASES = {
    # Names of tables, for every kind of operation.
    "put into a short name": (put(K, "ab"), VALIDATION, SHORT),
    "get from a wrong name": (get(K, "a!c"), VALIDATION, pattern("a!c")),
    "get from a short name": (get(K, "ab"), VALIDATION, SHORT),
    "query a long name": (found(table="x" * 256), VALIDATION, SHORT),
    "scan a wrong name": (scan("no/such"), VALIDATION, pattern("no/such")),
    "describe a short name": (tbl("describe_table", TableName="ab"), VALIDATION, SHORT),
    "delete a wrong name": (tbl("delete_table", TableName="a b"), VALIDATION, pattern("a b")),
    "no name": (tbl("get_item", Key=K), VALIDATION, f"{ONE}Value null at 'tableName' failed to satisfy constraint: Member must not be null"),
    "neither name nor key": (tbl("get_item"), VALIDATION, re.compile("^2 validation errors detected: Value null at '(key|tableName)' failed to satisfy constraint: Member must not be null; Value null at '(key|tableName)' failed")),
    "put into nothing": (put(K, "nobody"), MISSING, NO_RESOURCE),
    "get from nothing": (get(K, "nobody"), MISSING, NO_RESOURCE),
    "update nothing": (update(table="nobody"), MISSING, NO_RESOURCE),
    "query nothing": (found(table="nobody"), MISSING, NO_RESOURCE),
    "scan nothing": (scan("nobody"), MISSING, NO_RESOURCE),
    "batch-get from nothing": (batch_get(K, table="nobody"), MISSING, NO_RESOURCE),
    "batch-write to nothing": (batch_write(putting(K), table="nobody"), MISSING, NO_RESOURCE),
    "transact with nothing": (transact(part("Put", "nobody", Item=K)), MISSING, NO_RESOURCE),
    "describe nothing": (tbl("describe_table", TableName="nobody"), MISSING, f"{NO_RESOURCE}: Table: nobody not found"),
    "delete nothing": (tbl("delete_table", TableName="nobody"), MISSING, f"{NO_RESOURCE}: Table: nobody not found"),
    "update the table nothing": (tbl("update_table", TableName="nobody", DeletionProtectionEnabled=True), MISSING, f"{NO_RESOURCE}: Table: nobody not found"),
    # Enumerations.
    "return values of put": (put(K, ReturnValues="UPDATED_NEW"), VALIDATION, "ReturnValues can only be ALL_OLD or NONE"),
    "return values of delete": (delete(K, ReturnValues="ALL_NEW"), VALIDATION, "ReturnValues can only be ALL_OLD or NONE"),
    "return values unknown": (put(K, ReturnValues="SOME"), VALIDATION, enum("SOME", "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")),
    "capacity unknown": (get(K, ReturnConsumedCapacity="ALL"), VALIDATION, enum("ALL", "returnConsumedCapacity", *ENUM_CAPACITY)),
    "collections unknown": (put(K, ReturnItemCollectionMetrics="ALL"), VALIDATION, enum("ALL", "returnItemCollectionMetrics", "SIZE", "NONE")),
    "select unknown": (found(Select="SOME"), VALIDATION, enum("SOME", "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")),
    # Keys and items.
    "empty string key": (put({"pk": text("")}), VALIDATION, KEYS_ARE.format("string", "pk")),
    "empty string key of get": (get({"pk": text("")}), VALIDATION, KEYS_ARE.format("string", "pk")),
    "empty binary key": (put({"pk": binary(b"")}, "$B"), VALIDATION, KEYS_ARE.format("binary", "pk")),
    "no key in item": (put({"v": A}), VALIDATION, INVALID + "Missing the key pk in the item"),
    "no item": (put({}), VALIDATION, INVALID + "Missing the key pk in the item"),
    "no sort key in item": (put(K, "$C"), VALIDATION, INVALID + "Missing the key sk in the item"),
    "wrong key type in item": (put({"pk": number(1)}), VALIDATION, INVALID + "Type mismatch for key pk expected: S actual: N"),
    "wrong key type": (get({"pk": number(1)}), VALIDATION, NO_MATCH),
    "another key": (get({"other": A}), VALIDATION, NO_MATCH),
    "too many keys": (get({**K, "v": A}), VALIDATION, NO_MATCH),
    "half a key": (get(K, "$C"), VALIDATION, NO_MATCH),
    "no key parts": (get({}), VALIDATION, NO_MATCH),
    "long hash key": (put({"pk": text("x" * 2049)}), VALIDATION, INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    "long hash key of get": (get({"pk": text("x" * 2049)}), VALIDATION, INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    "index key of another type": (put({**CK, "g": number(1)}, "$C"), VALIDATION, INVALID + "Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi"),
    "empty index key": (put({**CK, "g": text("")}, "$C"), VALIDATION, INDEX_KEYS_ARE.format("string", "gsi", "g")),
    "empty name": (put({**K, "": A}), VALIDATION, INVALID + "An attribute name may not be empty"),
    "empty name in a map": (put({**K, "m": {"M": {"": A}}}), VALIDATION, INVALID + "An attribute name may not be empty"),
    "index key updated to another type": (update(CK, "$C", UpdateExpression="SET g = :v", ExpressionAttributeValues={":v": number(1)}), VALIDATION, "The update expression attempted to update the secondary index key to unsupported type"),
    "index key updated to nothing": (update(CK, "$C", UpdateExpression="SET g = :v", ExpressionAttributeValues={":v": text("")}), VALIDATION, NOT_VALID + "The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value."),
    "index key updated to a long one": (update(CK, "$C", UpdateExpression="SET g = :v", ExpressionAttributeValues={":v": text("x" * 2049)}), VALIDATION, "The update expression attempted to update the secondary index key beyond allowed size limits"),
    "large item": (put({**K, "v": text("x" * (400 * 1024))}), VALIDATION, "Item size has exceeded the maximum allowed size"),
    "item made large": (change("SET v = :v", {":v": text("x" * (400 * 1024))}), VALIDATION, "Item size to update has exceeded the maximum allowed size"),
    # Values.
    "value without a type": (put({**K, "v": {}}), VALIDATION, EMPTY_VALUE),
    "value of two types": (put({**K, "v": {"S": "a", "N": "1"}}), VALIDATION, SEVERAL_TYPES),
    "null that is false": (put({**K, "v": {"NULL": False}}), VALIDATION, INVALID + "Null attribute value types must have the value of true"),
    "no number": (put({**K, "v": number("abc")}), VALIDATION, NO_NUMBER + ": abc"),
    "an empty number": (put({**K, "v": number("")}), VALIDATION, NO_NUMBER),
    "a number with spaces": (put({**K, "v": number("1 2")}), VALIDATION, NO_NUMBER + ": 1 2"),
    "NaN": (put({**K, "v": number("NaN")}), VALIDATION, NO_NUMBER + ": NaN"),
    "39 digits": (put({**K, "v": number("1" * 39)}), VALIDATION, DIGITS),
    "39 digits behind the point": (put({**K, "v": number("0." + "1" * 39)}), VALIDATION, DIGITS),
    "1E126": (put({**K, "v": number("1E126")}), VALIDATION, MAGNITUDE),
    "-1E126": (put({**K, "v": number("-1E126")}), VALIDATION, MAGNITUDE),
    "1E-131": (put({**K, "v": number("1E-131")}), VALIDATION, SMALL),
    "1E5000000": (put({**K, "v": number("1E5000000")}), VALIDATION, MAGNITUDE),
    "a large number in a list": (put({**K, "v": {"L": [number("1E126")]}}), VALIDATION, MAGNITUDE),
    "empty string set": (put({**K, "v": {"SS": []}}), VALIDATION, INVALID + "An string set  may not be empty"),
    "empty number set": (put({**K, "v": {"NS": []}}), VALIDATION, INVALID + "An number set  may not be empty"),
    "empty binary set": (put({**K, "v": {"BS": []}}), VALIDATION, INVALID + "Binary sets should not be empty"),
    "duplicate strings": (put({**K, "v": {"SS": ["a", "b", "a"]}}), VALIDATION, INVALID + "Input collection [a, b, a] contains duplicates."),
    "duplicate numbers": (put({**K, "v": {"NS": ["1", "1.0"]}}), VALIDATION, "Input collection contains duplicates"),
    "duplicate binaries": (put({**K, "v": {"BS": [b"a", b"a"]}}), VALIDATION, INVALID + "Input collection [YQ==, YQ==]of type BS contains duplicates."),
    "no number in a set": (put({**K, "v": {"NS": ["x"]}}), VALIDATION, NO_NUMBER + ": x"),
    "33 levels": (put({**K, "v": nested(32)}), VALIDATION, TOO_DEEP),
    "101 levels": (put({**K, "v": nested(100)}), VALIDATION, TOO_DEEP),
    # Expressions of conditions.
    "empty condition": (checked(""), VALIDATION, "Invalid ConditionExpression: The expression can not be empty;"),
    "broken condition": (checked("v = "), VALIDATION, 'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "="'),
    "reserved word": (checked("size = :v", {":v": A}), VALIDATION, re.compile("Invalid ConditionExpression: ")),
    "reserved word of an attribute": (checked("name = :v", {":v": A}), VALIDATION, "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"),
    "a name that begins with an underscore": (change("SET v = :v, _w = :v", {":v": A}), VALIDATION, 'Invalid UpdateExpression: Syntax error; token: "_", near: ", _w"'),
    "underscores": (checked("__v = :v", {":v": A}), VALIDATION, 'Invalid ConditionExpression: Syntax error; token: "_", near: "__"'),
    "undefined value": (checked("v = :v"), VALIDATION, "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :v"),
    "undefined name": (checked("#v = :v", {":v": A}), VALIDATION, "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #v"),
    "unknown function": (checked("exists(v)"), VALIDATION, "Invalid ConditionExpression: Invalid function name; function: exists"),
    "function misplaced": (checked("attribute_exists(v) = :v", {":v": A}), VALIDATION, re.compile("Invalid ConditionExpression: (The function is not allowed to be used this way in an expression; function: attribute_exists|Syntax error)")),
    "function of updates": (checked("if_not_exists(v, :v) = :v", {":v": A}), VALIDATION, "Invalid ConditionExpression: The function is not allowed in a condition expression; function: if_not_exists"),
    "too few operands": (checked("begins_with(v)"), VALIDATION, "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"),
    "value of the wrong type": (checked("begins_with(v, :v)", {":v": number(1)}), VALIDATION, "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
    "something compared with itself": (checked("v = v"), VALIDATION, "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [v]"),
    "redundant parentheses": (checked("((v = :v))", {":v": A}), VALIDATION, "Invalid ConditionExpression: The expression has redundant parentheses;"),
    "bounds the wrong way round": (checked("v BETWEEN :b AND :a", {":a": number(1), ":b": number(2)}), VALIDATION, "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
    "no such type": (checked("attribute_type(v, :t)", {":t": text("X")}), VALIDATION, "Invalid ConditionExpression: Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
    "many choices": (checked(f"v IN ({', '.join(f':v{at}' for at in range(101))})", {f":v{at}": number(at) for at in range(101)}), VALIDATION, "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"),
    "long condition": (checked("v = :v OR " + "v = :v OR " * 500 + "v = :v", {":v": A}), VALIDATION, re.compile("Invalid ConditionExpression: Expression size has exceeded the maximum allowed size;")),
    "unused value": (checked("attribute_exists(v)", {":x": A}), VALIDATION, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}"),
    "unused name": (checked("attribute_exists(v)", None, {"#x": "v"}), VALIDATION, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"),
    "no values": (checked("v = :v", {}), VALIDATION, "ExpressionAttributeValues must not be empty"),
    "no names": (checked("attribute_exists(v)", None, {}), VALIDATION, "ExpressionAttributeNames must not be empty"),
    "values without an expression": (put(K, ExpressionAttributeValues={":v": A}), VALIDATION, "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null"),
    "names without an expression": (put(K, ExpressionAttributeNames={"#v": "v"}), VALIDATION, "ExpressionAttributeNames can only be specified when using expressions"),
    "a value's name without a colon": (checked("v = :v", {"v": A, ":v": A}), VALIDATION, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "v"'),
    "a name's name without a sign": (checked("attribute_exists(v)", None, {"v": "v"}), VALIDATION, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "v"'),
    "a long value's name": (checked("v = :v", {":" + "v" * 255: A}), VALIDATION, re.compile("^ExpressionAttributeValues contains invalid key: .*too long")),
    "a value that is none": (checked("v = :v", {":v": {}}), VALIDATION, "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :v"),
    "a value that is no number": (checked("v = :v", {":v": number("x")}), VALIDATION, re.compile("ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x(;| for) key:? :v")),
    # Expressions of updates.
    "empty update": (change(""), VALIDATION, "Invalid UpdateExpression: The expression can not be empty;"),
    "broken update": (change("SET v"), VALIDATION, 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "v"'),
    "two sets": (change("SET v = :v SET w = :v", {":v": A}), VALIDATION, 'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;'),
    "the same path twice": (change("SET v = :v, v = :v", {":v": A}), VALIDATION, "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [v], path two: [v]"),
    "a path in another": (change("SET v = :v REMOVE v.w", {":v": A}), VALIDATION, "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [v], path two: [v, w]"),
    "a map that is a list": (change("SET v.w = :v, v[0] = :v", {":v": A}), VALIDATION, "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [v, w], path two: [v, [0]]"),
    "update of the key": (change("SET pk = :v", {":v": A}), VALIDATION, INVALID + "Cannot update attribute pk. This attribute is part of the key"),
    "remove of the key": (change("REMOVE pk"), VALIDATION, INVALID + "Cannot update attribute pk. This attribute is part of the key"),
    "a text plus a number": (change("SET v = s + :v", {":v": number(1)}), VALIDATION, "An operand in the update expression has an incorrect data type"),
    "plus a text": (change("SET v = v + :v", {":v": A}), VALIDATION, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S"),
    "what is not there plus one": (change("SET v = nothing + :v", {":v": number(1)}), VALIDATION, "The provided expression refers to an attribute that does not exist in the item"),
    "below nothing": (change("SET nowhere.there = :v", {":v": A}), VALIDATION, "The document path provided in the update expression is invalid for update"),
    "below a number": (change("SET v.w = :v", {":v": A}), VALIDATION, "The document path provided in the update expression is invalid for update"),
    "add a text": (change("ADD v :v", {":v": A}), VALIDATION, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
    "add to a text": (change("ADD s :v", {":v": number(1)}), VALIDATION, "An operand in the update expression has an incorrect data type"),
    "add other elements": (change("ADD ss :v", {":v": {"NS": ["1"]}}), VALIDATION, "An operand in the update expression has an incorrect data type"),
    "delete a number": (change("DELETE v :v", {":v": number(1)}), VALIDATION, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, typeSet: ALLOWED_FOR_DELETE_OPERAND"),
    "delete other elements": (change("DELETE ss :v", {":v": {"NS": ["1"]}}), VALIDATION, "An operand in the update expression has an incorrect data type"),
    "append to a text": (change("SET v = list_append(s, :v)", {":v": {"L": []}}), VALIDATION, "An operand in the update expression has an incorrect data type"),
    "append a text": (change("SET v = list_append(l, :v)", {":v": A}), VALIDATION, "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: S"),
    "unknown function of updates": (change("SET v = twice(v)"), VALIDATION, "Invalid UpdateExpression: Invalid function name; function: twice"),
    "condition does not hold": (change("SET v = :v", {":v": A}, ConditionExpression="attribute_not_exists(pk)"), "ConditionalCheckFailedException", "The conditional request failed"),
    # Older parameters.
    "update both ways": (change("REMOVE v", AttributeUpdates={"v": {"Action": "DELETE"}}), VALIDATION, MIXED + "Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}"),
    "condition both ways": (put(K, Expected={"v": {"Exists": False}}, ConditionExpression="attribute_exists(v)"), VALIDATION, MIXED + "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"),
    "projection both ways": (get(K, AttributesToGet=["v"], ProjectionExpression="v"), VALIDATION, MIXED + "Non-expression parameters: {AttributesToGet} Expression parameters: {ProjectionExpression}"),
    "expected, but compared with nothing": (put(K, Expected={"v": {"ComparisonOperator": "EQ"}}), VALIDATION, INVALID + "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: v"),
    "query both ways": (found(KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [A]}}), VALIDATION, MIXED + "Non-expression parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}"),
    "older action unknown": (update(AttributeUpdates={"v": {"Action": "X", "Value": A}}), VALIDATION, re.compile(re.escape(ONE) + "Value 'X' at 'attributeUpdates.v.member.action' failed to satisfy constraint: Member must satisfy enum value set: ")),
    "older update of the key": (update(AttributeUpdates={"pk": {"Value": A}}), VALIDATION, INVALID + "Cannot update attribute pk. This attribute is part of the key"),
    # Projections.
    "empty projection": (get(K, ProjectionExpression=""), VALIDATION, "Invalid ProjectionExpression: The expression can not be empty;"),
    "projection with an operator": (get(K, ProjectionExpression="v, :x"), VALIDATION, 'Invalid ProjectionExpression: Syntax error; token: ":x", near: ", :x"'),
    "projection of overlapping paths": (get(K, ProjectionExpression="v, v.w"), VALIDATION, "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [v], path two: [v, w]"),
    # Queries and scans.
    "query without a condition": (query(), VALIDATION, "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."),
    "query without the hash key": (query("sk = :v", {":v": number(1)}), VALIDATION, "Query condition missed key schema element: pk"),
    "query of a range of hash keys": (query("pk > :v", {":v": A}), VALIDATION, "Query key condition not supported"),
    "query with three keys": (query("pk = :v AND sk = :n AND v = :v", {":v": A, ":n": number(1)}), VALIDATION, "Query key condition not supported"),
    "query by another attribute": (query("pk = :v AND v = :v", {":v": A}), VALIDATION, "Query condition missed key schema element: sk"),
    "query with OR": (query("pk = :v OR pk = :v", {":v": A}), VALIDATION, "Invalid operator used in KeyConditionExpression: OR"),
    "query with <>": (query("pk = :v AND sk <> :n", {":v": A, ":n": number(1)}), VALIDATION, "Invalid operator used in KeyConditionExpression: <>"),
    "query with contains": (query("pk = :v AND contains(sk, :v)", {":v": A}), VALIDATION, "Invalid operator used in KeyConditionExpression: contains"),
    "query of a wrong type": (query("pk = :v", {":v": number(1)}), VALIDATION, INVALID + "Condition parameter type does not match schema type"),
    "query of an empty key": (query("pk = :v", {":v": text("")}), VALIDATION, KEYS_ARE.format("string", "pk")),
    "query of an index's empty key": (query("g = :v", {":v": text("")}, IndexName="gsi"), VALIDATION, INDEX_KEYS_ARE.format("string", "gsi", "g")),
    "query of keys that begin with nothing": (query("pk = :p AND begins_with(l, :v)", {":p": A, ":v": text("")}, IndexName="lsi"), VALIDATION, INDEX_KEYS_ARE.format("string", "lsi", "l")),
    "query of one key twice": (query("pk = :v AND sk > :n AND sk < :n", {":v": A, ":n": number(1)}), VALIDATION, "KeyConditionExpressions must only contain one condition per key"),
    "filter on a key": (found(FilterExpression="sk > :n", values={":n": number(0)}), VALIDATION, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"),
    "query of no index": (found(IndexName="nope"), VALIDATION, "The table does not have the specified index: nope"),
    "scan of no index": (scan(IndexName="nope"), VALIDATION, "The table does not have the specified index: nope"),
    "consistent query of a global index": (query("g = :g", {":g": A}, IndexName="gsi", ConsistentRead=True), VALIDATION, "Consistent reads are not supported on global secondary indexes"),
    "consistent scan of a global index": (scan(IndexName="gsi", ConsistentRead=True), VALIDATION, "Consistent reads are not supported on global secondary indexes"),
    "all attributes of an index of keys": (query("g = :g", {":g": A}, IndexName="gsi", Select="ALL_ATTRIBUTES"), VALIDATION, INVALID + "Select type ALL_ATTRIBUTES is not supported for global secondary index gsi because its projection type is not ALL"),
    "attributes that an index has not": (query("g = :g", {":g": A}, IndexName="gsi", ProjectionExpression="v"), VALIDATION, INVALID + "Global secondary index gsi does not project [v]"),
    "specific attributes, none": (found(Select="SPECIFIC_ATTRIBUTES"), VALIDATION, INVALID + "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"),
    "count of attributes": (found(Select="COUNT", ProjectionExpression="v"), VALIDATION, "Cannot specify the ProjectionExpression when choosing to get only the Count"),
    "count of older attributes": (scan(Select="COUNT", AttributesToGet=["v"]), VALIDATION, "Cannot specify the AttributesToGet when choosing to get only the Count"),
    "values beside a projection": (scan(ProjectionExpression="v", ExpressionAttributeValues={":v": A}), VALIDATION, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null"),
    "values beside a query's projection": (query(values={":v": A}, ProjectionExpression="v"), VALIDATION, "ExpressionAttributeValues can only be specified when using expressions: FilterExpression and KeyConditionExpression are null"),
    "query of a long hash key": (query("pk = :v", {":v": text("x" * 2049)}), VALIDATION, INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"),
    "query of a long sort key": (query("pk = :v AND begins_with(l, :l)", {":v": A, ":l": text("x" * 1025)}, IndexName="lsi"), VALIDATION, INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"),
    "older filter on a key": (tbl("query", TableName="$C", KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [A]}}, QueryFilter={"sk": {"ComparisonOperator": "NULL"}}), VALIDATION, "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk"),
    "older choice of several types": (scan(ScanFilter={"v": {"ComparisonOperator": "IN", "AttributeValueList": [A, number(1)]}}), VALIDATION, INVALID + "AttributeValues inside AttributeValueList must all be of the same type"),
    "older operator unknown": (scan(ScanFilter={"v": {"ComparisonOperator": "IS"}}), VALIDATION, enum("IS", "scanFilter.v.member.comparisonOperator", "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS")),
    "all attributes and some": (found(Select="ALL_ATTRIBUTES", ProjectionExpression="v"), VALIDATION, "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"),
    "projected attributes without an index": (found(Select="ALL_PROJECTED_ATTRIBUTES"), VALIDATION, INVALID + "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
    "limit 0 of query": (found(Limit=0), VALIDATION, f"{ONE}Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    "limit 0 of scan": (scan(Limit=0), VALIDATION, f"{ONE}Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    "segment without segments": (scan(Segment=0), VALIDATION, "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"),
    "segments without a segment": (scan(TotalSegments=1), VALIDATION, "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"),
    "segment beyond": (scan(Segment=2, TotalSegments=2), VALIDATION, "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 2 is not less than TotalSegments: 2"),
    "segments 0": (scan(Segment=0, TotalSegments=0), VALIDATION, f"{ONE}Value '0' at 'totalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1"),
    "too many segments": (scan(Segment=0, TotalSegments=1000001), VALIDATION, f"{ONE}Value '1000001' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000"),
    "start key without a part": (found(ExclusiveStartKey=K), VALIDATION, "The provided starting key is invalid"),
    "start key of a query of another type": (found(ExclusiveStartKey={**K, "sk": A}), VALIDATION, "The provided starting key is invalid"),
    "start key of a scan without a part": (scan(ExclusiveStartKey=K), VALIDATION, "The provided starting key is invalid: The provided key element does not match the schema"),
    "start key of another segment": (scan(ExclusiveStartKey=CK, Segment=0, TotalSegments=100), VALIDATION, "The provided Exclusive start key does not map to the provided Segment and TotalSegments values."),
    "start key of another type": (scan(ExclusiveStartKey={**K, "sk": A}), VALIDATION, "The provided starting key is invalid: The provided key element does not match the schema"),
    "start key outside of the condition": (query("pk = :v AND sk > :n", {":v": A, ":n": number(1)}, ExclusiveStartKey=CK), VALIDATION, "The provided starting key does not match the range key predicate"),
    "start key without a type": (found(ExclusiveStartKey={"pk": {}, "sk": number(1)}), VALIDATION, f"The provided starting key is invalid: {EMPTY_VALUE}"),
    "a scan's start key without a type": (scan(ExclusiveStartKey={"pk": {}, "sk": number(1)}), VALIDATION, f"The provided starting key is invalid: {EMPTY_VALUE}"),
    "start key of another partition": (found(ExclusiveStartKey={"pk": text("b"), "sk": number(1)}), VALIDATION, "The provided starting key is outside query boundaries based on provided conditions"),
    "start key of an index without its key": (query("g = :g", {":g": text("g")}, IndexName="gsi", ExclusiveStartKey=CK), VALIDATION, "The provided starting key is invalid"),
    "bounds of a query the wrong way round": (query("pk = :p AND sk BETWEEN :b AND :a", {":p": A, ":a": number(1), ":b": number(2)}), VALIDATION, "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"),
    "begins_with of a number": (query("pk = :p AND begins_with(sk, :n)", {":p": A, ":n": number(1)}), VALIDATION, "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
    # Batches.
    "batch-get of nothing": (tbl("batch_get_item", RequestItems={}), VALIDATION, f"{ONE}Value '{{}}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    "batch-get of one key twice": (batch_get(K, K), VALIDATION, "Provided list of item keys contains duplicates"),
    "batch-get of a wrong key": (batch_get({"x": A}), VALIDATION, NO_MATCH),
    "batch-get of 101 keys": (batch_get(*({"pk": text(str(at))} for at in range(101))), VALIDATION, re.compile("less than or equal to 100")),
    "batch-get of 101 keys of two tables": (tbl("batch_get_item", RequestItems={"$T": {"Keys": [{"pk": text(str(at))} for at in range(100)]}, "$C": {"Keys": [CK]}}), VALIDATION, "Too many items requested for the BatchGetItem call"),
    "batch-write of nothing": (tbl("batch_write_item", RequestItems={}), VALIDATION, f"{ONE}Value '{{}}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    "batch-write of 26": (batch_write(*(putting({"pk": text(str(at))}) for at in range(26))), VALIDATION, re.compile("at 'requestItems' failed to satisfy constraint: " + re.escape(REQUESTS))),
    "batch-write of no requests": (batch_write(), VALIDATION, f"{ONE}Value '{{$T=[]}}' at 'requestItems' failed to satisfy constraint: {REQUESTS}"),
    "batch-write of 26 to two tables": (tbl("batch_write_item", RequestItems={"$T": [putting({"pk": text(str(at))}) for at in range(25)], "$C": [putting(CK)]}), VALIDATION, "Too many items requested for the BatchWriteItem call"),
    "batch-write of one item twice": (batch_write(putting(K), putting(K)), VALIDATION, "Provided list of item keys contains duplicates"),
    "batch-write and delete of one item": (batch_write(putting(K), {"DeleteRequest": {"Key": K}}), VALIDATION, "Provided list of item keys contains duplicates"),
    "batch-write of two requests in one": (batch_write({**putting(K), "DeleteRequest": {"Key": K}}), VALIDATION, "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"),
    "batch-write of no request": (batch_write({}), VALIDATION, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    "batch-write of a wrong key": (batch_write({"DeleteRequest": {"Key": {"x": A}}}), VALIDATION, NO_MATCH),
    "batch-write of an item without a key": (batch_write(putting({"x": A})), VALIDATION, INVALID + "Missing the key pk in the item"),
    # Transactions.
    "an empty transaction": (transact(), VALIDATION, f"{ONE}Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    "a transaction of 101": (transact(*(part("Put", Item={"pk": text(str(at))}) for at in range(101))), VALIDATION, re.compile("at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to 100")),
    "a transaction on one item": (transact(part("Put", Item=K), part("Delete", Key=K)), VALIDATION, "Transaction request cannot include multiple operations on one item"),
    "two actions in one": (transact({**part("Put", Item=K), **part("Delete", Key=K)}), VALIDATION, "TransactItems can only contain one of Check, Put, Update or Delete"),
    "no action": (transact({}), VALIDATION, "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"),
    "a check without a condition": (transact(part("ConditionCheck", Key=K)), VALIDATION, f"{ONE}Value null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: Member must not be null"),
    "a failing check": (transact(part("ConditionCheck", Key=K, ConditionExpression="attribute_not_exists(pk)")), "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed]"),
    "a wrong key among others": (transact(part("Delete", Key={"x": A}), part("Delete", "$C", Key=CK)), "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [ValidationError, None]"),
    "reading one item twice": (tbl("transact_get_items", TransactItems=[part("Get", Key=K)] * 2), VALIDATION, "Transaction request cannot include multiple operations on one item"),
    "reading nothing": (tbl("transact_get_items", TransactItems=[]), VALIDATION, f"{ONE}Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1"),
    # What comes first: constraints of the model, then the request itself, then the table, then its key.
    "two enumerations at once": (put(K, ReturnValues="X", ReturnConsumedCapacity="Y"), VALIDATION, re.compile("^2 validation errors detected: Value '")),
    "an enumeration before the table": (get(K, "nobody", ReturnConsumedCapacity="X"), VALIDATION, enum("X", "returnConsumedCapacity", *ENUM_CAPACITY)),
    "an expression before the table": (get(K, "nobody", ProjectionExpression=""), VALIDATION, "Invalid ProjectionExpression: The expression can not be empty;"),
    "an empty set before the table": (put({**K, "v": {"SS": []}}, "nobody"), VALIDATION, INVALID + "An string set  may not be empty"),
    "an index's key before the condition": (put({**CK, "g": number(1)}, "$C", ConditionExpression="attribute_not_exists(pk)"), VALIDATION, INVALID + "Type mismatch for Index Key g Expected: S Actual: N IndexName: gsi"),
    "an update of the key before the condition": (change("SET pk = :v", {":v": A}, ConditionExpression="attribute_not_exists(pk)"), VALIDATION, INVALID + "Cannot update attribute pk. This attribute is part of the key"),
    "the table before the key": (get({}, "nobody"), MISSING, NO_RESOURCE),
    "a short name before its letters": (get(K, "!"), VALIDATION, SHORT),
    "a value before return values": (put({**K, "v": {}}, ReturnValues="ALL_NEW"), VALIDATION, EMPTY_VALUE),
    "return values before an expression": (put(K, ReturnValues="ALL_NEW", ConditionExpression=""), VALIDATION, "ReturnValues can only be ALL_OLD or NONE"),
    "parameters of both kinds before a value": (put({**K, "v": {}}, ReturnValues="ALL_NEW", Expected={}, ConditionExpression=""), VALIDATION, MIXED + "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"),
    "an item's size before what is expected": (put({**K, "v": text("x" * 409600)}, "nobody", Expected={"v": {}}), VALIDATION, "Item size has exceeded the maximum allowed size"),
    "a batch's item's size before the table": (batch_write(putting({**K, "v": text("x" * 409600)}), table="nobody"), VALIDATION, "Item size has exceeded the maximum allowed size"),
    "a key before placeholders": (get({"pk": {}}, ProjectionExpression="", ExpressionAttributeNames={}), VALIDATION, EMPTY_VALUE),
    "a key before names": (get({"pk": {}}, AttributesToGet=["a", "a"]), VALIDATION, EMPTY_VALUE),
    "a batch's key before names": (batch_get({"pk": {}}, AttributesToGet=["a", "a"]), VALIDATION, EMPTY_VALUE),
    "a key before older updates": (update({"pk": {}}, AttributeUpdates={"v": {}}), VALIDATION, EMPTY_VALUE),
    "older updates before what is expected": (update(AttributeUpdates={"v": {}}, Expected={"v": {}}), VALIDATION, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
    "a filter before a start key": (query(QueryFilter={"v": {"ComparisonOperator": "EQ", "AttributeValueList": []}}, ExclusiveStartKey={"pk": {}}), VALIDATION, INVALID + "Invalid number of argument(s) for the EQ ComparisonOperator"),
    "a start key before a condition on keys": (query(KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": []}}, ExclusiveStartKey={"pk": {}}), VALIDATION, f"The provided starting key is invalid: {EMPTY_VALUE}"),
    "names before a condition on keys": (query(KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": []}}, AttributesToGet=["a", "a"]), VALIDATION, INVALID + "Duplicate value in attribute name: a"),
}


@pytest.mark.parametrize("name", CASES)
def test_is_refused(house, name):
    check_refused(house, CASES[name])


@pytest.mark.parametrize("levels", [32, 60, 100, 1000])
def test_values_that_are_too_deep(house, platform, levels):
    """However deep it is, it is the values' depth that is wrong, and not the JSON."""
    value = '{"L":[' * levels + '{"S":"x"}' + "]}" * levels
    body = f'{{"TableName": "{house["T"]}", "Item": {{"pk": {{"S": "a"}}, "v": {value}}}}}'
    headers = {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"}
    status, _, answer = platform.http("POST", "/", body.encode(), headers)
    assert status == 400 and json.loads(answer) == {"__type": "com.amazon.coral.validate#ValidationException", "message": TOO_DEEP}


UNREAD = {
    "a number for a string": ('{"TableName": 1}', "NUMBER_VALUE cannot be converted to String"),
    "a boolean for a string": ('{"TableName": true}', "TRUE_VALUE cannot be converted to String"),
    "a string for a number": ('{"Limit": "1"}', "STRING_VALUE cannot be converted to Integer"),
    "a string for a boolean": ('{"ConsistentRead": "true"}', "Unexpected token received from parser"),
    "a list for a string": ('{"TableName": []}', "Unrecognized collection type class java.lang.String"),
    "a list for a number": ('{"Limit": []}', "Unrecognized collection type class java.lang.Integer"),
    "a list for a value": ('{"ExclusiveStartKey": {"pk": []}}', "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
    "a list for a map": ('{"ExclusiveStartKey": []}', "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"),
    "a map for a string": ('{"TableName": {}}', "Start of structure or map found where not expected"),
    "a number for Base64": ('{"ExclusiveStartKey": {"pk": {"B": 1}}}', "only base-64-encoded strings are convertible to bytes"),
    "Base64 with an end that cannot be": ('{"ExclusiveStartKey": {"pk": {"B": "+/+="}}}', "Invalid last non-pad Base64 character dectected"),
    "a map for a list": ('{"AttributesToGet": {}}', "Start of structure or map found where not expected"),
    "a string for a list": ('{"AttributesToGet": "a"}', "Unexpected field type"),
    "a number for a map": ('{"ExclusiveStartKey": 1}', "Unexpected field type"),
    "a string for a value": ('{"ExclusiveStartKey": {"pk": "a"}}', "Unexpected field type"),
    "Base64 cut short": ('{"ExclusiveStartKey": {"pk": {"B": "YWJjZ"}}}', "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
}


def sent(platform, operation, body):
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    status, _, answer = platform.http("POST", "/", body.encode(), headers)
    return status, json.loads(answer)


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_says_why(platform, name):
    body, why = UNREAD[name]
    assert sent(platform, "Scan", body) == (400, {"__type": "com.amazon.coral.service#SerializationException", "Message": why})


def test_of_a_member_that_is_there_twice_the_last_one_counts(house, platform):
    status, answer = sent(platform, "Scan", f'{{"TableName": "nobody", "Limit": 1, "TableName": "{house["C"]}", "Limit": 2}}')
    assert (status, answer["Count"]) == (200, 2)


def test_a_stream_that_is_not_there(platform):
    streams = platform.client("dynamodbstreams", parameter_validation=False)
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/nobody/stream/2026-01-01T00:00:00.000"
    assert error_of(streams.describe_stream, StreamArn=arn) == (MISSING, f"{NO_RESOURCE}: Stream: {arn} not found")
    assert error_of(streams.get_records, ShardIterator="nonsense")[0] == VALIDATION
    wrong = error_of(streams.get_shard_iterator, StreamArn=arn, ShardId="shardId-00000000000000000000-00000001", ShardIteratorType="NOW")
    assert wrong[0] == VALIDATION and "shardIteratorType" in wrong[1]


def too_many(limit, most):
    return VALIDATION, f"{ONE}Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {most}"


def test_a_stream_is_read_within_limits_and_from_what_it_has(house, platform):
    streams = platform.client("dynamodbstreams", parameter_validation=False)
    arn = house["client"].describe_table(TableName=house["C"])["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    where = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    iterator = streams.get_shard_iterator(**where, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert len(streams.get_records(ShardIterator=iterator, Limit=1000)["Records"]) == 3
    assert error_of(streams.get_records, ShardIterator=iterator, Limit=1001) == too_many(1001, 1000)
    assert error_of(streams.describe_stream, StreamArn=arn, Limit=101) == too_many(101, 100)
    assert error_of(streams.list_streams, Limit=101) == too_many(101, 100)
    for kind, more in (("AT_SEQUENCE_NUMBER", {}), ("LATEST", {"SequenceNumber": "1" * 21}), ("AT_TIMESTAMP", {}), ("AT_TIMESTAMP", {"Timestamp": 9999999999})):
        assert error_of(streams.get_shard_iterator, **where, ShardIteratorType=kind, **more)[0] == VALIDATION, kind
