// Takes orders. Asks the catalogue for the price: the function is called by its name, through the AWS SDK that every Node.js
// function finds without packaging it.
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ulid } from "ulid";

const lambda = new LambdaClient({});

export const handler = async (event) => {
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
  const total = product.price * order.quantity;
  return answer(201, { id: ulid(), product: product.id, quantity: order.quantity, total, currency: product.currency });
};

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

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
