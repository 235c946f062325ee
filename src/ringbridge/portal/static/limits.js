// Shows those countries of a long list whose names have what is typed; ticked ones stay in sight.
(() => {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  for (const search of document.querySelectorAll("[data-finds]")) {
    const entries = document.getElementById(search.dataset.finds).querySelectorAll("label");
    search.addEventListener("input", () => {
      const wanted = plain(search.value.trim());
      for (const entry of entries)
        entry.hidden = !plain(entry.textContent).includes(wanted) && !entry.querySelector("input").checked;
    });
    // Enter finds; it does not send the form.
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }
})();
