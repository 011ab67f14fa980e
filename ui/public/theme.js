// Before anything is drawn, so that a dark screen does not flash white.
const stored = localStorage.getItem("openlake.theme");
const dark =
  stored === "dark" || (stored !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.classList.toggle("dark", dark);
