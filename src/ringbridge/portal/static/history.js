// The page of a call that runs follows it.
(() => {
  const part = document.querySelector("[data-follows-call]");
  const call = part.dataset.followsCall;
  const stream = new EventSource("/live/stream");
  const look = (event) => {
    // Not while somebody is being asked whether to hang up.
    if (event.data.includes(call) && !document.querySelector("dialog[open]")) location.reload();
  };
  // It may have ended before it could be followed: then it is not among those that run.
  stream.addEventListener("all", (event) => {
    if (event.data.includes(call)) part.dataset.follows = "";
    else if (!document.querySelector("dialog[open]")) location.reload();
  });
  stream.addEventListener("changed", look);
  stream.addEventListener("gone", look);
})();
