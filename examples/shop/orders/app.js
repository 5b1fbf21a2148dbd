// Takes orders, and shows how far they are. Asks the catalogue for the price, by the function's name. How far an order is now is read from what
// `progress` keeps; how far it was at another time, from its events.
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ulid } from "ulid";
import { tell } from "./bus.js";
import { show, unheardOf } from "./order.js";
import { append, events, load } from "./store.js";
import { view, viewsOf } from "./views.js";

const lambda = new LambdaClient({});

const PATIENCE_MS = 15000;

export const handler = async (event) => {
  const id = event.pathParameters?.id;
  const { at, until } = event.queryStringParameters ?? {};
  switch (event.routeKey) {
    case "GET /orders/{id}":
      return at === undefined ? showNow(id, until) : showPast(id, at);
    case "GET /orders/{id}/events":
      return showEvents(id);
    case "GET /customers/{id}/orders":
      return answer(200, (await viewsOf(id)).map(({ id, status, total, currency }) => ({ id, status, total, currency })));
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
  const id = /^[\w-]{1,40}$/.test(order.id ?? "") ? order.id : ulid();
  const customer = /^[\w-]{1,40}$/.test(order.customer ?? "") ? order.customer : "guest";
  const total = product.price * order.quantity;
  const ordered = { customer, product: product.id, quantity: order.quantity, total, currency: product.currency };
  const created = await append(unheardOf(id), "OrderCreated", ordered);
  // A client that names its order may send it twice, and has ordered once.
  return answer(201, show(created ?? (await load(id, { version: 1 }))));
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

// With `until`, waits until the order has come that far.
async function showNow(id, until) {
  const deadline = Date.now() + (until ? PATIENCE_MS : 0);
  for (;;) {
    const order = await view(id);
    if (Date.now() >= deadline || order?.history.includes(until)) {
      return order ? answer(200, show(order)) : answer(404, { error: `there is no order ${id}` });
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function showEvents(id) {
  const shown = [];
  for await (const { version, type, time } of events(id)) {
    shown.push({ version, type, time });
  }
  return answer(200, shown);
}

// `at` is a version, or a time.
async function showPast(id, at) {
  const isVersion = /^\d{1,9}$/.test(at);
  if (!isVersion && Number.isNaN(Date.parse(at))) {
    return answer(400, { error: `${at} is neither a version nor a time` });
  }
  const order = await load(id, isVersion ? { version: Number(at) } : { time: new Date(at).toISOString() });
  return order.status ? answer(200, show(order)) : answer(404, { error: `there was no order ${id} at ${at}` });
}

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
