// The number that is typed, and the call that follows from it. Without this script both work by sending forms.
(() => {
  const PAUSE_MILLISECONDS = 250; // Between the last key and asking what was understood.
  const POLL_MILLISECONDS = 2000; // While no stream comes through.
  const PATIENCE_MILLISECONDS = 4000; // A stream that has said nothing by then is taken for held back on its way.

  // Whoever asks for a part of a page says so; a session that is over leads elsewhere, and so does the page then.
  const ask = async (path, options = {}) => {
    const answer = await away.ask(path, { ...options, headers: { "HX-Request": "true", ...options.headers } });
    if (answer.redirected || answer.headers.has("hx-redirect")) {
      location.reload();
      throw new DOMException("the session is over", "AbortError");
    }
    return answer;
  };

  // What was understood of a number while it is typed. Only the last question's answer is shown.
  const preview = (form, asking) => {
    const place = form.querySelector(".understood");
    let timer, question, asked;
    const look = async () => {
      question?.abort();
      question = new AbortController();
      const fields = new URLSearchParams(new FormData(form));
      try {
        const answer = await asking(form.dataset.preview, { method: "POST", body: fields, signal: question.signal });
        if (answer.ok) place.innerHTML = await answer.text();
      } catch (error) {
        if (error.name !== "AbortError") place.replaceChildren();
      }
    };
    form.addEventListener("input", () => {
      const now = `${form.elements.line?.value} ${form.elements.number.value}`;
      if (now === asked) return;
      asked = now;
      clearTimeout(timer);
      timer = setTimeout(look, PAUSE_MILLISECONDS);
    });
    return look;
  };

  // A call's state in its place, and the buttons that mean something in it. Gives whether the call goes on.
  const show = (place, text) => {
    place.innerHTML = text;
    const state = place.querySelector("[data-state]");
    const isOver = state.dataset.state === "ended";
    const possible = new Set(isOver ? ["over"] : state.dataset.possible.split(" "));
    for (const part of document.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").some((word) => possible.has(word));
    }
    count(place);
    if (isOver) document.getElementById("said")?.replaceChildren();
    return !isOver;
  };

  // Seconds go on between two states. The server's clock is not asked for: only how long it was when the state came.
  const count = (place) => {
    const timer = place.querySelector("[data-elapsed]");
    if (!timer) return;
    const start = performance.now() - Number(timer.dataset.elapsed) * 1000;
    const tick = () => {
      if (!timer.isConnected) return clearInterval(ticking);
      const seconds = Math.floor((performance.now() - start) / 1000);
      const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
      const two = (number) => String(number).padStart(2, "0");
      timer.textContent = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
    };
    const ticking = setInterval(tick, 500);
  };

  // By a stream, and by asking again and again as long as nothing comes by that.
  const follow = (place) => {
    const path = place.dataset.follows;
    const stream = new EventSource(`${path}/events`);
    let polling;
    const stop = () => {
      stream.close();
      clearInterval(polling);
    };
    const poll = async () => {
      try {
        const answer = await ask(`${path}/state`, { signal: AbortSignal.timeout(PATIENCE_MILLISECONDS) });
        if (answer.ok && !show(place, await answer.text())) stop();
      } catch {
        // The next one may come through; meanwhile the notice stands there.
      }
    };
    const beginPolling = () => (polling ??= setInterval(poll, POLL_MILLISECONDS));
    const patience = setTimeout(beginPolling, PATIENCE_MILLISECONDS);
    stream.addEventListener("error", beginPolling);
    stream.addEventListener("state", (event) => {
      clearTimeout(patience);
      clearInterval(polling);
      polling = undefined;
      if (!show(place, event.data)) stop();
    });
  };

  // Hang up, hold, keys, transfer: sent without leaving the page, and answered in a sentence.
  const act = async (form, button) => {
    const said = document.getElementById("said");
    const fields = new URLSearchParams(new FormData(form, button));
    said.replaceChildren();
    try {
      const answer = await ask(form.action, { method: "POST", body: fields });
      said.innerHTML = await answer.text();
      if (answer.ok) form.querySelector("input[type=tel]")?.form.reset();
    } catch {
      // The notice says it, and the button is still there.
    }
  };

  const isTyping = () => document.activeElement?.matches("input:not([type=hidden]), select, textarea");

  for (const form of document.querySelectorAll("form[data-preview]:not([data-embedded])")) {
    const look = preview(form, ask);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-number]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      form.elements.number.value = link.dataset.number;
      form.querySelector(".btn-call").focus();
      look();
    });
    form.querySelector("[data-escapes]").addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.target.value = "";
      look();
    });
  }

  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      // After it was sent, so that the browser does not think that there is nothing to send it with.
      setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
    });
  }
  // A page that the browser kept has placed its call: whoever comes back to it gets a new one.
  addEventListener("pageshow", (event) => {
    if (event.persisted && document.querySelector("form[data-once]")) location.reload();
  });

  for (const place of document.querySelectorAll("[data-follows]")) {
    count(place);
    if (place.querySelector("[data-state]").dataset.state !== "ended") follow(place);
  }

  document.addEventListener("submit", (event) => {
    if (!("acts" in event.target.dataset)) return;
    event.preventDefault();
    act(event.target, event.submitter);
  });

  document.addEventListener("keydown", (event) => {
    const keypad = document.querySelector("form[data-when=digits]");
    if (!keypad || keypad.hidden || isTyping() || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = [...keypad.querySelectorAll("button")].find((each) => each.value === event.key);
    if (button) keypad.requestSubmit(button);
  });

  for (const link of document.querySelectorAll("[data-carries]")) {
    link.addEventListener("click", () => {
      const number = document.querySelector("[name=number]").value;
      link.search = number ? `?number=${encodeURIComponent(number)}` : "";
    });
  }

  for (const button of document.querySelectorAll("[data-takes-links]")) {
    // Only where there is TLS, or on this machine; Safari has it nowhere.
    if (!navigator.registerProtocolHandler) continue;
    button.hidden = false;
    button.addEventListener("click", () => navigator.registerProtocolHandler("tel", `${location.origin}/dial?u=%s`));
  }

  // For the page in a frame (embed.js), which asks in its own way.
  window.dialler = { preview, show };
})();
