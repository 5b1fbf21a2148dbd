import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";

const events = new EventBridgeClient({});

export async function tell(what, detail) {
  const entry = { EventBusName: process.env.BUS, Source: "shop.orders", DetailType: what, Detail: JSON.stringify(detail) };
  const told = await events.send(new PutEventsCommand({ Entries: [entry] }));
  if (told.FailedEntryCount) {
    throw new Error(`the bus refused ${what}: ${told.Entries[0].ErrorMessage}`);
  }
}
