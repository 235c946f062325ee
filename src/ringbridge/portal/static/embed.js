// The dialler in another site's frame. What passes between it and the page around it: docs/embedding.md.
(() => {
  const RETRY_MILLISECONDS = 2000;

  const origin = document.querySelector("[data-origin]").dataset.origin;
  // Whoever opens the page by itself is told what it is for.
  if (!origin || window.parent === window) return;

  const part = (id) => document.getElementById(id);
  const [form, place, waiting, refused] = ["dialler", "call", "waiting", "refused"].map(part);
  let token, askedForToken, gotToken, callId, formId;

  const tell = (type, more = {}) => window.parent.postMessage({ type: `ringbridge.${type}`, ...more }, origin);

  // One form is one call, however often its button is pressed.
  const renewForm = () => {
    formId = [...crypto.getRandomValues(new Uint8Array(16))].map((octet) => octet.toString(16).padStart(2, "0")).join("");
    form.reset();
    refused.replaceChildren();
    form.querySelector(".understood").replaceChildren();
  };

  const needToken = () => {
    token = undefined;
    waiting.hidden = false;
    form.hidden = true;
    askedForToken ??= new Promise((resolve) => (gotToken = resolve));
    tell("token-needed");
  };

  const ask = async (path, options = {}) => {
    const headers = { Authorization: `Bearer ${token}`, "X-Embedding-Origin": origin, "HX-Request": "true" };
    const answer = await fetch(path, { ...options, headers, credentials: "omit" });
    if (answer.status === 401) {
      needToken();
      throw new DOMException("a new token is needed", "AbortError");
    }
    return answer;
  };
  const look = window.dialler.preview(form, ask);

  const showCall = (text) => {
    const before = place.querySelector("[data-state]")?.dataset ?? {};
    const goesOn = window.dialler.show(place, text);
    const { call, state, outcome, user, destination, talked, events } = place.querySelector("[data-state]").dataset;
    callId = call;
    if (before.call !== call || before.state !== state) {
      const talk_seconds = Number(talked);
      tell("call", { call_id: call, state, outcome: outcome || null, user, destination, talk_seconds });
    }
    return goesOn && { seen: events };
  };

  const follow = async (goesOn) => {
    while (goesOn) {
      try {
        if (!token) await askedForToken;
        const answer = await ask(`/embed/calls/${callId}?seen=${goesOn.seen}`);
        if (!answer.ok) throw new Error(answer.statusText);
        goesOn = showCall(await answer.text());
      } catch (error) {
        if (error.name !== "AbortError") await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      }
    }
  };

  const call = async () => {
    const button = form.querySelector(".btn-call");
    button.disabled = true;
    try {
      const fields = new URLSearchParams({ number: form.elements.number.value, form: formId });
      const answer = await ask("/embed/calls", { method: "POST", body: fields });
      const text = await answer.text();
      if (answer.ok) {
        form.hidden = true;
        place.hidden = false;
        follow(showCall(text));
        return;
      }
      refused.innerHTML = text;
      const code = refused.querySelector("[data-code]")?.dataset.code ?? "error";
      tell("refused", { code, message: refused.textContent.trim() });
    } catch (error) {
      if (error.name !== "AbortError") refused.textContent = refused.dataset.unreachable;
    } finally {
      button.disabled = false;
    }
  };

  const hangUp = async () => {
    try {
      await ask(`/embed/calls/${callId}/hang-up`, { method: "POST" });
    } catch {
      // The button stays: whoever wants it presses it again.
    }
  };

  const isCalling = () => !place.hidden && place.querySelector("[data-state]")?.dataset.state !== "ended";

  const beginAnew = () => {
    place.hidden = true;
    place.replaceChildren();
    for (const each of document.querySelectorAll("[data-when]")) each.hidden = true;
    renewForm();
    form.hidden = !token;
  };

  const hear = {
    token: ({ token: text }) => {
      if (typeof text !== "string") return;
      token = text;
      waiting.hidden = true;
      form.hidden = !place.hidden;
      gotToken?.();
      askedForToken = undefined;
    },
    // It fills the number in and dials nothing: that takes whoever sits here.
    number: ({ number }) => {
      if (typeof number !== "string" || isCalling()) return;
      if (!place.hidden) beginAnew();
      form.elements.number.value = number.slice(0, 64);
      form.querySelector(".btn-call").focus();
      if (token) look();
    },
    "hang-up": () => isCalling() && hangUp(),
  };

  addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== origin) return;
    const [name, type] = String(event.data?.type).split(/\.(.*)/);
    if (name === "ringbridge" && Object.hasOwn(hear, type)) hear[type](event.data);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
  part("hang-up").addEventListener("click", hangUp);
  part("again").addEventListener("click", () => {
    beginAnew();
    form.elements.number.focus();
  });

  renewForm();
  needToken();
})();
