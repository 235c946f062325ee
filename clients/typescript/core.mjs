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

  // METHODS

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
