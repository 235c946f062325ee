// The page of live calls: rows that come, change and go by a stream, and timers that run meanwhile.
(() => {
  const body = document.getElementById("calls");
  const begun = new WeakMap();
  const PATIENCE_MILLISECONDS = 4000; // Without a stream.

  const inWords = (seconds) => {
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
    return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  };

  // Counted from when the row came: the clock of this device may be wrong.
  const tick = () => {
    for (const timer of body.querySelectorAll(".timer")) {
      if (!begun.has(timer)) begun.set(timer, performance.now() - Number(timer.dataset.seconds) * 1000);
      const text = inWords((performance.now() - begun.get(timer)) / 1000);
      if (timer.textContent !== text) timer.textContent = text;
    }
  };

  const count = () => {
    const rows = body.rows.length;
    document.querySelector("#count > span").textContent = rows;
    document.getElementById("no-calls").hidden = rows > 0;
    document.getElementById("some-calls").hidden = rows === 0;
    tick();
  };

  const rowsOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.querySelectorAll("tr")];
  };

  const put = (row) => {
    const old = document.getElementById(row.id);
    if (!old) return body.prepend(row);
    // Whoever was on a button of this row stays there.
    const focused = [...old.querySelectorAll("a, button")].indexOf(document.activeElement);
    old.replaceWith(row);
    if (focused >= 0) row.querySelectorAll("a, button")[focused]?.focus();
  };

  const stream = new EventSource(body.dataset.stream);
  stream.addEventListener("all", (event) => {
    const rows = rowsOf(event.data);
    const ids = new Set(rows.map((row) => row.id));
    for (const row of [...body.rows]) if (!ids.has(row.id)) row.remove();
    for (const row of rows.reverse()) put(row);
    count();
    body.dataset.follows = "";
  });
  stream.addEventListener("changed", (event) => {
    for (const row of rowsOf(event.data).reverse()) put(row);
    count();
  });
  stream.addEventListener("gone", (event) => {
    document.getElementById(`call-${event.data}`)?.remove();
    count();
  });
  // A connection that is lost is made again by the browser; an answer that is no stream ends it for good. Where the
  // server does not answer at all, another notice stands there.
  const stopped = document.getElementById("stopped");
  let losing;
  const lost = async () => {
    losing = undefined;
    const heard = await away.isHeard();
    if (stream.readyState === EventSource.OPEN) return;
    stopped.hidden = !heard;
    // What has ended for good has no more errors to tell of, and the server comes back.
    if (!heard) mayBeLost();
  };
  const mayBeLost = () => (losing ??= setTimeout(lost, PATIENCE_MILLISECONDS));
  stream.addEventListener("error", mayBeLost);
  stream.addEventListener("open", () => {
    clearTimeout(losing);
    losing = undefined;
    stopped.hidden = true;
  });
  mayBeLost();

  body.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-hangs-up]");
    if (!button) return;
    document.querySelector("#hang-up form").action = `/live/${encodeURIComponent(button.dataset.hangsUp)}/hang-up`;
    document.getElementById("hang-up-who").textContent = button.dataset.who;
  });

  tick();
  setInterval(tick, 1000);
})();
