// Whether the server answers. Pages that stay open say so when it does not, and take it back by themselves.
window.away = (() => {
  const PATIENCE_MILLISECONDS = 5000; // What has not come by then is taken for lost.
  const RETRY_MILLISECONDS = 2000;
  const GATEWAY_STATUSES = new Set([502, 504]); // From a proxy in front of the server.

  const notice = document.getElementById("away");
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
    if (!notice.hidden) retrying = setTimeout(isHeard, RETRY_MILLISECONDS);
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

  // A form that would leave the page is sent once the server answers: the browser's own page of errors helps nobody.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!("needsServer" in form.dataset)) return;
    event.preventDefault();
    if (await isHeard()) form.submit();
    else form.closest("dialog")?.close();
  });

  return { ask, isHeard };
})();
