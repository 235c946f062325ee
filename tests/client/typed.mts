// What the types of the client let a program write, and what they do not: `@ts-expect-error` is one itself where nothing is wrong.
import { Ringbridge, RingbridgeError } from "../../clients/typescript/ringbridge.mjs";
import type { CallResource, Outcome } from "../../clients/typescript/ringbridge.mjs";

const server = new Ringbridge({ url: "https://calls.example.com", account: "1009683", key: "rb_key", fetch });

export async function right(signal: AbortSignal): Promise<Outcome | null> {
  const wanted = { user_line: "+18175620001", destination_line: "+15125290001", metadata: { order: "4711" } };
  const call: CallResource = await server.placeCall(wanted, { headers: { "Idempotency-Key": "4711" }, signal });
  for await (const event of server.followCall(call.id, { after: 2 })) {
    const sequence: number = event.data.sequence;
    if (event.id !== String(sequence) || event.data.state === "ended") break;
  }
  for await (const event of server.followAccount()) {
    const order: string | undefined = event.data.metadata["order"];
    if (event.data.call_id === call.id || order === undefined) break;
  }
  const page = await server.listCalls({ limit: 10, outcome: "completed", metadata: ["order:4711"] });
  const cursor: string | null = page.next_cursor;
  await server.listCalls({ cursor });
  await server.holdCall(call.id);
  const table: string = await server.exportRecords({ format: "csv" });
  const outcomes: Array<string | null> = page.items.map((item) => item.outcome);
  return table && outcomes.length > 0 ? "completed" : null;
}

export async function wrong(call: CallResource): Promise<void> {
  // @ts-expect-error A key is missing.
  new Ringbridge({ url: "https://calls.example.com", account: "1009683" });
  // @ts-expect-error The destination is missing.
  await server.placeCall({ user_line: "+18175620001" });
  // @ts-expect-error There is no such option.
  await server.placeCall({ user_line: "1", destination_line: "2", colour: "red" });
  // @ts-expect-error A number is text.
  await server.placeCall({ user_line: 1, destination_line: "2" });
  // @ts-expect-error A call has no such outcome.
  await server.listCalls({ outcome: "perfect" });
  // @ts-expect-error A limit is a number.
  await server.listCalls({ limit: "10" });
  // @ts-expect-error It may be null.
  const endedAt: string = call.ended_at;
  // @ts-expect-error There is no such member.
  endedAt.concat(call.colour);
  // @ts-expect-error There is no such operation.
  await server.dialNow();
}

export function shown(error: unknown): string {
  return error instanceof RingbridgeError ? `${error.status} ${error.code} ${error.retryAfterSeconds ?? 0}` : "";
}
