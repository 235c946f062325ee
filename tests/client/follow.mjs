// A program that uses the client for JavaScript: node follow.mjs URL ACCOUNT KEY LINE DESTINATION. It prints what it saw as JSON.
import { Ringbridge, RingbridgeError, ServerUnreachable } from "../../clients/typescript/ringbridge.mjs";

const [url, account, key, line, destination] = process.argv.slice(2);
const server = new Ringbridge({ url: `${url}/`, account, key });

const call = await server.placeCall({ user_line: line, destination_line: destination, metadata: { order: "4711" } });
const events = [];
for await (const event of server.followCall(call.id)) events.push(event);
const left = [];
for await (const event of server.followCall(call.id, { after: events.length })) left.push(event);
const over = await server.readCall(call.id);
const page = await server.listCalls({ limit: 1, outcome: null });
const table = await server.exportRecords({ format: "csv", outcome: undefined });
const made = await server.createKey({ name: "CRM", scopes: ["calls:read"] });
await server.revokeKey(made.id);

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RingbridgeError) return [error.status, error.code, error.message];
    throw error;
  }
}

async function isUnreachable(promise) {
  try {
    await promise;
  } catch (error) {
    return error instanceof ServerUnreachable && error.cause !== undefined;
  }
}

// Nobody listens there.
const nowhere = { url: "http://127.0.0.1:2", account, key };

console.log(
  JSON.stringify({
    ids: events.map((event) => event.id),
    names: events.map((event) => event.data.name),
    left: left.length,
    outcome: over.outcome,
    metadata: over.metadata,
    listed: page.items.map((item) => item.id === call.id),
    table: table.split(",")[0],
    refused: await refusal(server.placeCall({ user_line: "999999", destination_line: destination })),
    nowhere: await isUnreachable(new Ringbridge(nowhere).listLines()),
    given_up: await isUnreachable(new Ringbridge(nowhere).listLines({}, { signal: AbortSignal.abort() })),
    stranger: await refusal(new Ringbridge({ url, account, key: "nonsense" }).listLines()),
  }),
);
