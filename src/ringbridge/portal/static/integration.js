// Forms of API Integration: what makes a secret is sent once however often it is clicked.
(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
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
