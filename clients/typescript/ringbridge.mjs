// Made from docs/openapi.json by scripts/describe-api. Changes belong there.

/** The answer is no: `code` is the stable word for why. */
export class RingbridgeError extends Error {
  constructor(status, code, detail, retryAfterSeconds) {
    super(detail);
    this.name = "RingbridgeError";
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer came, or only the beginning of one: `cause` is what `fetch` says of it. */
export class ServerUnreachable extends Error {
  constructor(cause) {
    super("the server cannot be reached", { cause });
    this.name = "ServerUnreachable";
  }
}

/** Asks a ringbridge server for an account. */
export class Ringbridge {
  #url;
  #authorization;
  #fetch;

  constructor({ url, account, key, fetch = globalThis.fetch }) {
    this.#url = url.replace(/\/+$/, "");
    this.#authorization = `Basic ${btoa(`${account}:${key}`)}`;
    this.#fetch = fetch;
  }

  placeCall(body, options) {
    return this.#json("POST", `/api/v2/calls`, { body }, options);
  }

  listCalls(query, options) {
    return this.#json("GET", `/api/v2/calls`, { query }, options);
  }

  previewCall(body, options) {
    return this.#json("POST", `/api/v2/calls/preview`, { body }, options);
  }

  readCall(callId, options) {
    return this.#json("GET", `/api/v2/calls/${encodeURIComponent(callId)}`, {}, options);
  }

  cancelCall(callId, options) {
    return this.#json("DELETE", `/api/v2/calls/${encodeURIComponent(callId)}`, {}, options);
  }

  followCall(callId, query, options) {
    return this.#stream("GET", `/api/v2/calls/${encodeURIComponent(callId)}/events`, { query }, options);
  }

  followAccount(query, options) {
    return this.#stream("GET", `/api/v2/events`, { query }, options);
  }

  holdCall(callId, body, options) {
    return this.#json("POST", `/api/v2/calls/${encodeURIComponent(callId)}/actions/hold`, { body }, options);
  }

  resumeCall(callId, options) {
    return this.#json("POST", `/api/v2/calls/${encodeURIComponent(callId)}/actions/resume`, {}, options);
  }

  sendDigits(callId, body, options) {
    return this.#json("POST", `/api/v2/calls/${encodeURIComponent(callId)}/actions/digits`, { body }, options);
  }

  transferCall(callId, body, options) {
    return this.#json("POST", `/api/v2/calls/${encodeURIComponent(callId)}/actions/transfer`, { body }, options);
  }

  hangUpLeg(callId, body, options) {
    return this.#json("POST", `/api/v2/calls/${encodeURIComponent(callId)}/actions/hangup`, { body }, options);
  }

  listRecords(query, options) {
    return this.#json("GET", `/api/v2/records`, { query }, options);
  }

  exportRecords(query, options) {
    return this.#text("GET", `/api/v2/records/export`, { query }, options);
  }

  eraseNumber(body, options) {
    return this.#json("POST", `/api/v2/records/erase`, { body }, options);
  }

  readRecord(callId, options) {
    return this.#json("GET", `/api/v2/records/${encodeURIComponent(callId)}`, {}, options);
  }

  listKeys(query, options) {
    return this.#json("GET", `/api/v2/keys`, { query }, options);
  }

  createKey(body, options) {
    return this.#json("POST", `/api/v2/keys`, { body }, options);
  }

  readKey(keyId, options) {
    return this.#json("GET", `/api/v2/keys/${encodeURIComponent(keyId)}`, {}, options);
  }

  revokeKey(keyId, query, options) {
    return this.#nothing("DELETE", `/api/v2/keys/${encodeURIComponent(keyId)}`, { query }, options);
  }

  rotateKey(keyId, body, options) {
    return this.#json("POST", `/api/v2/keys/${encodeURIComponent(keyId)}/rotate`, { body }, options);
  }

  createToken(body, options) {
    return this.#json("POST", `/api/v2/tokens`, { body }, options);
  }

  listLines(query, options) {
    return this.#json("GET", `/api/v2/lines`, { query }, options);
  }

  addLine(body, options) {
    return this.#json("POST", `/api/v2/lines`, { body }, options);
  }

  readLine(lineId, options) {
    return this.#json("GET", `/api/v2/lines/${encodeURIComponent(lineId)}`, {}, options);
  }

  changeLine(lineId, body, options) {
    return this.#json("PATCH", `/api/v2/lines/${encodeURIComponent(lineId)}`, { body }, options);
  }

  removeLine(lineId, options) {
    return this.#nothing("DELETE", `/api/v2/lines/${encodeURIComponent(lineId)}`, {}, options);
  }

  renewPassword(lineId, options) {
    return this.#json("POST", `/api/v2/lines/${encodeURIComponent(lineId)}/password`, {}, options);
  }

  listTrunks(options) {
    return this.#json("GET", `/api/v2/trunks`, {}, options);
  }

  readLimits(options) {
    return this.#json("GET", `/api/v2/limits`, {}, options);
  }

  tightenLimits(body, options) {
    return this.#json("PATCH", `/api/v2/limits`, { body }, options);
  }

  readUsage(options) {
    return this.#json("GET", `/api/v2/usage`, {}, options);
  }

  listWebhooks(options) {
    return this.#json("GET", `/api/v2/webhooks`, {}, options);
  }

  createWebhook(body, options) {
    return this.#json("POST", `/api/v2/webhooks`, { body }, options);
  }

  readCallSecret(options) {
    return this.#json("GET", `/api/v2/webhooks/call-secret`, {}, options);
  }

  readWebhook(webhookId, options) {
    return this.#json("GET", `/api/v2/webhooks/${encodeURIComponent(webhookId)}`, {}, options);
  }

  changeWebhook(webhookId, body, options) {
    return this.#json("PATCH", `/api/v2/webhooks/${encodeURIComponent(webhookId)}`, { body }, options);
  }

  removeWebhook(webhookId, options) {
    return this.#nothing("DELETE", `/api/v2/webhooks/${encodeURIComponent(webhookId)}`, {}, options);
  }

  rotateSecret(webhookId, options) {
    return this.#json("POST", `/api/v2/webhooks/${encodeURIComponent(webhookId)}/rotate-secret`, {}, options);
  }

  testWebhook(webhookId, options) {
    return this.#json("POST", `/api/v2/webhooks/${encodeURIComponent(webhookId)}/test`, {}, options);
  }

  listDeliveries(webhookId, query, options) {
    return this.#json("GET", `/api/v2/webhooks/${encodeURIComponent(webhookId)}/deliveries`, { query }, options);
  }

  replayEvent(webhookId, eventId, options) {
    return this.#json("POST", `/api/v2/webhooks/${encodeURIComponent(webhookId)}/deliveries/${encodeURIComponent(eventId)}/replay`, {}, options);
  }

  replayEvents(webhookId, body, options) {
    return this.#json("POST", `/api/v2/webhooks/${encodeURIComponent(webhookId)}/replay`, { body }, options);
  }

  listAuditEntries(query, options) {
    return this.#json("GET", `/api/v2/audit`, { query }, options);
  }

  async #json(...request) {
    return (await this.#ask(...request)).json();
  }

  async #text(...request) {
    return (await this.#ask(...request)).text();
  }

  async #nothing(...request) {
    await (await this.#ask(...request)).arrayBuffer();
  }

  async *#stream(...request) {
    const answer = await this.#ask(...request);
    if (answer.status === 204) return;
    let id = "";
    let data = null;
    for await (const line of lines(answer.body, request.at(3)?.signal)) {
      // An event ends with an empty line; our data is one line (HTML standard, section 9.2.6).
      if (line.startsWith("id:")) id = line.slice(3).trim();
      if (line.startsWith("data:")) data = line.slice(5);
      if (line === "" && data !== null) {
        yield { id, data: JSON.parse(data) };
        data = null;
      }
    }
  }

  async #ask(method, path, { body, query }, { headers, signal } = {}) {
    const url = new URL(this.#url + path);
    for (const [name, value] of Object.entries(query ?? {})) {
      for (const single of Array.isArray(value) ? value : [value]) {
        if (single !== undefined && single !== null) url.searchParams.append(name, single);
      }
    }
    const named = { Authorization: this.#authorization, ...headers };
    if (body !== undefined) named["Content-Type"] = "application/json";
    const content = body === undefined ? undefined : JSON.stringify(body);
    const fetch = this.#fetch;
    let answer;
    try {
      answer = await fetch(url, { method, headers: named, body: content, signal });
    } catch (error) {
      throw unreachable(error, signal);
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

async function refusal(answer) {
  const text = await answer.text();
  let problem = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // Something in front of the server answered.
  }
  const wait = answer.headers.get("Retry-After");
  return new RingbridgeError(
    answer.status,
    problem.code ?? "unknown",
    problem.detail ?? `the server answered ${answer.status}`,
    wait === null ? null : Number(wait),
  );
}

/** Whoever gave a signal gets the reason that they gave with it. */
function unreachable(error, signal) {
  return signal?.aborted ? error : new ServerUnreachable(error);
}

async function* lines(body, signal) {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of body) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = parts.pop();
      yield* parts;
    }
  } catch (error) {
    throw unreachable(error, signal);
  }
}
