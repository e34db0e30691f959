// Live update and keys. Everything works without this file; with it, the page follows the ledger.
"use strict";

const mark = document.getElementById("live-mark");

// Somebody who is choosing letters keeps what stands before them.
const isBusy = () =>
  document.querySelector("[data-live] input:checked") !== null || String(document.getSelection() ?? "") !== "";

async function refresh() {
  if (isBusy()) return;
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!response.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const focus = document.activeElement?.getAttribute("href");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && !isBusy() && other.innerHTML !== part.innerHTML) part.innerHTML = other.innerHTML;
  }
  if (focus) [...document.querySelectorAll("[data-live] a")].find((a) => a.getAttribute("href") === focus)?.focus();
}

if (document.querySelector("[data-live]")) {
  const events = new EventSource("/events");
  events.addEventListener("open", () => { mark.hidden = false; });
  events.addEventListener("error", () => { mark.hidden = true; });
  let pending;
  events.addEventListener("changed", () => {
    clearTimeout(pending);
    pending = setTimeout(() => refresh().catch(() => {}), 100);
  });
}

// Keys: / to the filter, j and k along the letters, Enter opens.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "/") {
    const filter = document.getElementById("where");
    if (filter) { event.preventDefault(); filter.focus(); filter.select(); } else { location.href = "/letters"; }
  } else if (event.key === "j" || event.key === "k") {
    const letters = [...document.querySelectorAll("a.letter")];
    const at = letters.indexOf(document.activeElement);
    letters[event.key === "j" ? Math.min(at + 1, letters.length - 1) : Math.max(at - 1, 0)]?.focus();
  }
});
