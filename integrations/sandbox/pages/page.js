"use strict";
// Fetches the parts that change; they are rendered and escaped by the server.
const search = document.getElementById("number");
const lost = document.getElementById("lost");
let version = "";
let composing = false; // an input method is at work: its field must not be touched

function scrollToNewest() {
  for (const screen of document.querySelectorAll(".screen")) screen.scrollTop = screen.scrollHeight;
}

// What somebody has typed or chosen but not sent yet, and where the keyboard is.
function drafts() {
  const fields = [...document.querySelectorAll("#phones input[id], #phones select[id]")];
  const changed = fields.filter((field) =>
    field.tagName === "SELECT" ? !field.selectedOptions[0].defaultSelected : field.value !== "");
  const active = document.activeElement;
  return {
    values: changed.map((field) => [field.id, field.value]),
    active: active && active.closest("#phones") ? active.id : "",
    caret: active && active.name === "text" ? [active.selectionStart, active.selectionEnd] : null,
  };
}

function restore({ values, active, caret }) {
  for (const [id, value] of values) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  const field = active && document.getElementById(active);
  if (!field) return;
  field.focus({ preventScroll: true });
  if (caret) field.setSelectionRange(...caret);
}

// A mail's page that is open stays open, and is not fetched again while nothing came.
let mailsShown = "";
function showMails(html) {
  if (html === mailsShown) return;
  const place = document.getElementById("mails");
  const open = [...place.querySelectorAll("details[open]")].map((details) => details.id);
  place.innerHTML = mailsShown = html;
  for (const id of open) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
}

async function refresh() {
  const query = new URLSearchParams({ number: search.value });
  const response = await fetch("/_sandbox/page?" + query, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const parts = await response.json();
  if (parts.version === version || composing) return;
  version = parts.version;
  for (const name of ["counts", "faults"]) {
    const place = document.getElementById(name);
    if (place.contains(document.activeElement)) continue; // keep the keyboard's place
    place.innerHTML = parts[name];
  }
  const ringing = document.getElementById("ringing");
  if (ringing.innerHTML !== parts.ringing) ringing.innerHTML = parts.ringing; // announced once
  showMails(parts.mails);
  const kept = drafts();
  document.getElementById("phones").innerHTML = parts.phones;
  restore(kept);
  scrollToNewest();
}

// The handsets' forms are sent without leaving the page; without this script they work, too.
async function send(event) {
  const form = event.target.closest("#phones form");
  if (!form) return;
  event.preventDefault();
  const values = new URLSearchParams(new FormData(form, event.submitter));
  const response = await fetch(form.action, { method: "POST", body: values, redirect: "manual" });
  if (response.status >= 400) throw new Error(String(response.status));
  form.reset();
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
