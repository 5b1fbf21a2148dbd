// The event store: one item for each event, under the order's id and a version that counts from 1. Every fourth event brings a snapshot, so
// that reading an order stays quick, however much has happened to it. Snapshots only save time: everything is in the events.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, DynamoDBDocumentClient, TransactWriteCommand, paginateQuery } from "@aws-sdk/lib-dynamodb";
import { apply, unheardOf } from "./order.js";

const { EVENTS, SNAPSHOTS } = process.env;
const SNAPSHOT_EVERY = 4;
const END_OF_TIME = "9999";

const db = DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });

// The order as it was after this version and at this time; without either, as it is.
export async function load(id, { version = Infinity, time = END_OF_TIME } = {}) {
  const isLater = (item) => item.version > version || item.time > time;
  let order = unheardOf(id);
  for await (const snapshot of newestFirst(SNAPSHOTS, id)) {
    if (!isLater(snapshot)) {
      order = snapshot;
      break;
    }
  }
  for await (const event of events(id, order.version)) {
    if (isLater(event)) {
      break;
    }
    order = apply(order, event);
  }
  return order;
}

// What has happened to the order after this version.
export function events(id, version = 0) {
  return items({
    TableName: EVENTS,
    ConsistentRead: true,
    KeyConditionExpression: "id = :id AND version > :version",
    ExpressionAttributeValues: { ":id": id, ":version": version },
  });
}

// Adds an event to what has happened to the order, as far as the caller knows it: order.version is the expected version. Answers the order
// after the event; null if something else has happened to it meanwhile.
export async function append(order, type, changes) {
  const now = new Date().toISOString();
  const event = { ...changes, id: order.id, version: order.version + 1, time: now > (order.time ?? "") ? now : order.time, type };
  const after = apply(order, event);
  const writes = [{ Put: { TableName: EVENTS, Item: event, ConditionExpression: "attribute_not_exists(id)" } }];
  if (order.version > 0) {
    // The event before must still be there: nothing happens to orders that were removed.
    const Key = { id: order.id, version: order.version };
    writes.push({ ConditionCheck: { TableName: EVENTS, Key, ConditionExpression: "attribute_exists(id)" } });
  }
  if (after.version % SNAPSHOT_EVERY === 0) {
    writes.push({ Put: { TableName: SNAPSHOTS, Item: after } });
  }
  try {
    await db.send(new TransactWriteCommand({ TransactItems: writes }));
    return after;
  } catch (error) {
    const isConflict = ({ Code }) => Code === "ConditionalCheckFailed" || Code === "TransactionConflict";
    if (error.CancellationReasons?.some(isConflict)) {
      return null;
    }
    throw error;
  }
}

// Removes all orders of a customer. Doing so again finds nothing left.
export async function removeOrdersOf(customer) {
  const query = {
    TableName: EVENTS,
    IndexName: "by-customer",
    KeyConditionExpression: "customer = :customer",
    ExpressionAttributeValues: { ":customer": customer },
  };
  for await (const { id } of items(query)) {
    while (await removeEvents(id));
  }
}

// Removes the newest first, because no event can follow one that is gone. Answers whether there were any.
async function removeEvents(id) {
  let found = false;
  for await (const { version } of newestFirst(EVENTS, id)) {
    found = true;
    for (const TableName of [SNAPSHOTS, EVENTS]) {
      await db.send(new DeleteCommand({ TableName, Key: { id, version } }));
    }
  }
  return found;
}

function newestFirst(TableName, id) {
  return items({
    TableName,
    ConsistentRead: true,
    ScanIndexForward: false,
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": id },
  });
}

async function* items(query) {
  for await (const page of paginateQuery({ client: db }, query)) {
    yield* page.Items;
  }
}
