// Reads what `progress` keeps for reading: one item for each order.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";

const TableName = process.env.PROGRESS;
const db = DynamoDBDocumentClient.from(new DynamoDBClient({}));

export async function view(id) {
  const { Item } = await db.send(new GetCommand({ TableName, Key: { id } }));
  return Item;
}

export async function viewsOf(customer) {
  const query = { KeyConditionExpression: "customer = :customer", ExpressionAttributeValues: { ":customer": customer } };
  const { Items } = await db.send(new QueryCommand({ TableName, IndexName: "by-customer", ...query }));
  return Items;
}
