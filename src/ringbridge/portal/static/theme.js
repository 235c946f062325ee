// Before anything is drawn: the theme of the device, unless the reader chose one.
(() => {
  const root = document.documentElement;
  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    if (root.dataset.theme === "system") root.dataset.bsTheme = wantsDark.matches ? "dark" : "light";
  };
  wantsDark.addEventListener("change", follow);
  follow();
})();
