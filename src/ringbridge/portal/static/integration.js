// Forms of API Integration: times are sent in UTC beside what was typed, and what makes a secret is sent once however often it is clicked.
(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    for (const hidden of form.querySelectorAll("[data-utc-of]")) {
      const typed = form.elements[hidden.dataset.utcOf].value;
      hidden.value = typed ? new Date(typed).toISOString() : "";
    }
    if ("once" in form.dataset || form.closest("dialog")) {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    }
  });
  // Back to a form that was sent: it may be sent again.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
})();
