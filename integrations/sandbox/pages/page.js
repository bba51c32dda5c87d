"use strict";
// Fetches the parts that change; they are rendered and escaped by the server.
const search = document.getElementById("number");
const lost = document.getElementById("lost");
const said = document.getElementById("said");
const places = [...document.querySelectorAll("[data-live]")];
const shown = new Map();
let version = "";
let composing = false; // an input method is at work: its field must not be touched

function scrollToNewest() {
  for (const screen of document.querySelectorAll(".screen")) screen.scrollTop = screen.scrollHeight;
}

// What somebody has typed or chosen but not sent yet, what is folded out, and where the keyboard is.
function drafts(place) {
  const fields = [...place.querySelectorAll("input[id], select[id]")];
  const changed = fields.filter((field) =>
    field.tagName === "SELECT" ? !field.selectedOptions[0].defaultSelected : field.value !== field.defaultValue);
  const active = document.activeElement;
  return {
    values: changed.map((field) => [field.id, field.value]),
    folds: [...place.querySelectorAll("details[id]")].map((details) => [details.id, details.open]),
    active: place.contains(active) ? active.id : "",
    caret: active && active.tagName === "INPUT" ? [active.selectionStart, active.selectionEnd] : null,
  };
}

function restore({ values, folds, active, caret }) {
  for (const [id, value] of values) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  for (const [id, open] of folds) {
    const details = document.getElementById(id);
    if (details) details.open = open;
  }
  const field = active && document.getElementById(active);
  if (!field) return;
  field.focus({ preventScroll: true });
  if (caret && field.tagName === "INPUT") field.setSelectionRange(...caret);
}

function show(place, html) {
  if (shown.get(place) === html) return; // a mail's page is not fetched again while nothing came
  const kept = drafts(place);
  place.innerHTML = html;
  shown.set(place, html);
  restore(kept);
}

async function refresh() {
  const query = new URLSearchParams({ number: search.value });
  const response = await fetch("/_sandbox/page?" + query, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const parts = await response.json();
  if (parts.version === version || composing) return;
  version = parts.version;
  for (const place of places) show(place, parts[place.dataset.live]);
  scrollToNewest();
}

// Forms are sent without leaving the page; without this script they work, too.
async function send(event) {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const values = new URLSearchParams(new FormData(form, event.submitter));
  const response = await fetch(form.action, { method: "POST", body: values, redirect: "manual" });
  const refused = response.status >= 400;
  said.textContent = refused ? "✕ " + (await response.text()) : "";
  said.hidden = !refused;
  if (refused) return;
  if (form.closest("[data-live]")) form.reset();
  await refresh();
}

async function keepFresh() {
  try {
    if (!document.hidden) await refresh();
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  setTimeout(keepFresh, 1500);
}

search.addEventListener("input", () => refresh().catch(() => {}));
document.addEventListener("submit", (event) => send(event).catch(() => { lost.hidden = false; }));
document.addEventListener("compositionstart", () => { composing = true; });
document.addEventListener("compositionend", () => { composing = false; });
scrollToNewest();
keepFresh();
