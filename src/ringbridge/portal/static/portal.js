// What every page does by itself. Elements say what they want with data attributes; parts that come later by htmx work alike.
(() => {
  const root = document.documentElement;
  const format = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "medium" });

  // Points in time in the reader's own zone; the whole of it stays in the title.
  const localise = (part) => {
    for (const time of part.querySelectorAll("time[datetime]:not([title])")) {
      time.title = time.getAttribute("datetime");
      time.textContent = format.format(new Date(time.dateTime));
    }
  };

  // Days that forms ask for are the reader's own.
  for (const field of document.querySelectorAll("[data-zone]")) {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  // And so are the times, which are sent in UTC beside what was typed.
  document.addEventListener("submit", (event) => {
    for (const hidden of event.target.querySelectorAll("[data-utc-of]")) {
      const typed = event.target.elements[hidden.dataset.utcOf].value;
      hidden.value = typed ? new Date(typed).toISOString() : "";
    }
  });

  const changeTheme = () => {
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.theme = root.dataset.bsTheme = theme;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  };

  const copy = async (button) => {
    const field = document.getElementById(button.dataset.copies);
    field.select();
    // Without TLS, as on a network of one's own, browsers have no clipboard but that of the selection.
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else document.execCommand("copy");
    button.querySelector("span").textContent = button.dataset.done;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { opens, closes, toggles, copies } = button.dataset;
    if (opens) document.getElementById(opens).showModal();
    if (closes) document.getElementById(closes).close();
    if (copies) copy(button);
    if ("changesTheme" in button.dataset) changeTheme();
    if (toggles) {
      const isOpen = document.getElementById(toggles).classList.toggle("show");
      button.setAttribute("aria-expanded", String(isOpen));
    }
  });

  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) localise(node.parentElement ?? node);
  }).observe(document.body, { childList: true, subtree: true });
  localise(document);

  // The first field that has to be corrected is where the reader goes on.
  document.querySelector("[aria-invalid='true']")?.focus();
})();
