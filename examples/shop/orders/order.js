// What an order is: the sum of its events. Nothing here reads or writes.

// Each event, and the one that it follows.
const FOLLOWS = {
  OrderCreated: undefined,
  OrderApproved: "OrderCreated",
  OrderRejected: "OrderCreated",
  OrderPaid: "OrderApproved",
  OrderPrepared: "OrderPaid",
  OrderShipped: "OrderPrepared",
  OrderDelivered: "OrderShipped",
};

const statusAfter = (type) => type?.replace("Order", "").toLowerCase();

// An order to which nothing has happened.
export const unheardOf = (id) => ({ id, version: 0, history: [] });

// Whether this can happen to the order next. It cannot if it has happened already, or if there is no such order.
export const mayHappen = (order, type) => type in FOLLOWS && order.status === statusAfter(FOLLOWS[type]);

// The order after the event, which carries what it changes.
export function apply(order, { type, ...changes }) {
  const status = statusAfter(type);
  return { ...order, ...changes, status, history: [...order.history, status] };
}

// What a customer is shown.
export function show({ id, customer, product, quantity, total, currency, paid, history, status, version }) {
  return { id, customer, product, quantity, total, currency, paid, history, status, version };
}
