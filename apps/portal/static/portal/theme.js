"use strict";

// Before anything is drawn: follow the system, unless the person has chosen (then the server has written it already).
(() => {
  const root = document.documentElement;
  if (!root.hasAttribute("data-bs-theme")) {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = () => root.setAttribute("data-bs-theme", dark.matches ? "dark" : "light");
    dark.addEventListener("change", follow);
    follow();
  }
})();
