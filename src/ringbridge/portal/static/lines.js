// The form of a line shows the fields that its kind takes.
(() => {
  const kind = document.getElementById("kind");
  if (!kind) return;
  const show = () => {
    for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== kind.value;
  };
  kind.addEventListener("change", show);
  show();
})();
