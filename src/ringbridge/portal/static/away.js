// Whether the server answers. Every page says so when it does not, and takes it back by itself.
window.away = (() => {
  const PATIENCE_MILLISECONDS = 5000; // What has not come by then is taken for lost.
  const RETRY_MILLISECONDS = 2000;
  const GATEWAY_STATUSES = new Set([502, 504]); // From a proxy in front of the server.

  const notice = document.getElementById("away");
  const unsent = notice.querySelector("[data-unsent]");
  const something = document.currentScript.src; // Any address of the server would do.
  let overdue = 0;
  let retrying;

  const isHeard = async () => {
    let heard = false;
    try {
      const signal = AbortSignal.timeout(PATIENCE_MILLISECONDS);
      heard = !GATEWAY_STATUSES.has((await fetch(something, { cache: "no-store", signal })).status);
    } catch {
      // Then it is not.
    }
    clearTimeout(retrying);
    // What is asked for and still hangs counts more than that this was answered.
    notice.hidden = heard && !overdue;
    if (notice.hidden) unsent.hidden = true;
    else retrying = setTimeout(isHeard, RETRY_MILLISECONDS);
    return heard;
  };

  const missed = () => {
    notice.hidden = false;
    clearTimeout(retrying);
    retrying = setTimeout(isHeard, RETRY_MILLISECONDS);
  };

  // Fetch, and the notice when no answer comes. It goes on waiting: what was asked for may be done all the same.
  const ask = async (path, options) => {
    let isOverdue = false;
    const patience = setTimeout(() => {
      isOverdue = true;
      overdue += 1;
      missed();
    }, PATIENCE_MILLISECONDS);
    try {
      const answer = await fetch(path, options);
      if (GATEWAY_STATUSES.has(answer.status)) throw new TypeError(answer.statusText);
      return answer;
    } catch (error) {
      if (error.name !== "AbortError") missed();
      throw error;
    } finally {
      clearTimeout(patience);
      if (isOverdue) overdue -= 1;
    }
  };

  // Forms are sent once the server answers: the browser's own page of errors would take along what was typed. Before all
  // that other scripts do with a form that is sent; those that are sent in place ask for themselves.
  const looking = new Set();
  const sendable = new WeakSet();
  addEventListener(
    "submit",
    async (event) => {
      const [form, button] = [event.target, event.submitter];
      if ("acts" in form.dataset || sendable.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (looking.has(form)) return;
      looking.add(form);
      const isThere = await isHeard();
      looking.delete(form);
      const dialog = form.closest("dialog");
      if (dialog && !dialog.open) return;
      if (isThere) {
        sendable.add(form);
        form.requestSubmit(button);
        return;
      }
      unsent.hidden = false;
      dialog?.close();
    },
    { capture: true },
  );

  // What is asked for every few seconds tells whether the server is there at all.
  document.addEventListener("htmx:before:request", isHeard);

  return { ask, isHeard };
})();
