// The pages of history: days are those of the reader's time zone, and the page of a call that runs follows it.
(() => {
  const zone = document.querySelector("[data-zone]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const call = document.querySelector("[data-follows-call]")?.dataset.followsCall;
  if (!call) return;
  const stream = new EventSource("/live/stream");
  const look = (event) => {
    // Not while somebody is being asked whether to hang up.
    if (event.data.includes(call) && !document.querySelector("dialog[open]")) location.reload();
  };
  stream.addEventListener("changed", look);
  stream.addEventListener("gone", look);
})();
