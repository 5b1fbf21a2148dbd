// Takes orders, and shows how far they are. Asks the catalogue for the price, by the function's name, and tells the bus what was ordered; what
// then happens to an order is the other services' business, and is read from the record that `progress` keeps.
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ulid } from "ulid";

const lambda = new LambdaClient({});
const events = new EventBridgeClient({});
const s3 = new S3Client({});

const PATIENCE_MS = 15000;

export const handler = async (event) => {
  const id = event.pathParameters?.id;
  switch (event.routeKey) {
    case "GET /orders/{id}":
      return show(id, event.queryStringParameters?.until);
    case "DELETE /customers/{id}":
      await tell("CustomerRemoved", { customer: id });
      return answer(202, { removed: id });
    default:
      return create(event);
  }
};

async function create(event) {
  let order;
  try {
    order = JSON.parse(event.body ?? "");
  } catch {
    return answer(400, { error: "the body must be JSON" });
  }
  if (typeof order?.product !== "string" || !Number.isInteger(order.quantity) || order.quantity < 1) {
    return answer(400, { error: "an order needs a product and a quantity of at least 1" });
  }
  const product = await findProduct(order.product);
  if (product === null) {
    return answer(404, { error: `there is no product ${order.product}` });
  }
  // A client that names its order may send it twice, and has ordered once.
  const id = /^[\w-]{1,40}$/.test(order.id ?? "") ? order.id : ulid();
  const customer = /^[\w-]{1,40}$/.test(order.customer ?? "") ? order.customer : "guest";
  const total = product.price * order.quantity;
  const created = { id, customer, product: product.id, quantity: order.quantity, total, currency: product.currency };
  await tell("OrderCreated", created);
  return answer(201, created);
}

async function findProduct(product) {
  const reply = await lambda.send(
    new InvokeCommand({ FunctionName: process.env.CATALOGUE, Payload: JSON.stringify({ product }) }),
  );
  const payload = JSON.parse(new TextDecoder().decode(reply.Payload));
  if (reply.FunctionError) {
    throw new Error(`the catalogue failed: ${payload.errorMessage}`);
  }
  return payload;
}

async function tell(what, detail) {
  const entry = { EventBusName: process.env.BUS, Source: "shop", DetailType: what, Detail: JSON.stringify(detail) };
  const told = await events.send(new PutEventsCommand({ Entries: [entry] }));
  if (told.FailedEntryCount) {
    throw new Error(`the bus refused ${what}: ${told.Entries[0].ErrorMessage}`);
  }
}

// With `until`, waits until the order has come that far.
async function show(id, until) {
  const deadline = Date.now() + (until ? PATIENCE_MS : 0);
  for (;;) {
    const order = await record(id);
    if (Date.now() >= deadline || order?.history.includes(until)) {
      return order ? answer(200, order) : answer(404, { error: `there is no order ${id}` });
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function record(id) {
  try {
    const object = await s3.send(new GetObjectCommand({ Bucket: process.env.RECORDS, Key: `orders/${id}.json` }));
    const { seen, ...order } = JSON.parse(await object.Body.transformToString());
    return order;
  } catch (error) {
    if (error.name === "NoSuchKey") {
      return null;
    }
    throw error;
  }
}

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
