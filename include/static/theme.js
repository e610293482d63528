"use strict";
// Airflow keeps its colour mode as a class of its own page; alone, the page follows the system.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const airflow = () => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // framed by another site
    }
  };
  const apply = () => {
    const page = airflow();
    const told = page && ["dark", "light"].find((mode) => page.classList.contains(mode));
    const dark = told ? told === "dark" : system.matches;
    document.documentElement.classList.toggle("dark", dark);
    document.dispatchEvent(new Event("themechange"));
  };
  apply();
  system.addEventListener("change", apply);
  const page = airflow();
  if (page) new MutationObserver(apply).observe(page, { attributes: true, attributeFilter: ["class"] });
})();
