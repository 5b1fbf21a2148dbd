// Writes down what the other services say about orders, and removes the orders of customers who are gone.
import { mayHappen } from "./order.js";
import { append, load, removeOrdersOf } from "./store.js";

export async function handler({ "detail-type": type, detail }) {
  if (type === "CustomerRemoved") {
    return removeOrdersOf(detail.customer);
  }
  const { id, ...changes } = detail;
  // Somebody else may be faster; then what they have written decides whether this can still happen.
  for (let order = await load(id); mayHappen(order, type); order = await load(id)) {
    if (await append(order, type, changes)) {
      return;
    }
  }
  console.log(`order ${id}: ${type} has come before, or the order is gone`);
}
