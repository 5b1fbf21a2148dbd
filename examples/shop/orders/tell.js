// Tells the bus what was written down: an event in the store is told even if the function that wrote it is dead by now. It may be told twice.
import { tell } from "./bus.js";
import { load } from "./store.js";

export async function handler({ Records }) {
  for (const { dynamodb } of Records) {
    const { id, version, type } = dynamodb.NewImage;
    try {
      // Listeners get the order as it was after the event, and need not ask for it. It may be gone by now.
      const order = await load(id.S, { version: Number(version.N) });
      if (order.version === Number(version.N)) {
        await tell(type.S, order);
      }
    } catch (error) {
      // What comes after it waits until it is told.
      console.error(error);
      return { batchItemFailures: [{ itemIdentifier: dynamodb.SequenceNumber }] };
    }
  }
  return { batchItemFailures: [] };
}
