"use strict";
// Fetches the parts that change; they are rendered and escaped by the server.
const search = document.getElementById("number");
const lost = document.getElementById("lost");
let version = "";

function scrollToNewest() {
  for (const screen of document.querySelectorAll(".screen")) screen.scrollTop = screen.scrollHeight;
}

async function refresh() {
  const query = new URLSearchParams({ number: search.value });
  const response = await fetch("/_sandbox/page?" + query, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const parts = await response.json();
  if (parts.version === version) return;
  version = parts.version;
  for (const name of ["phones", "counts", "faults"]) {
    const place = document.getElementById(name);
    if (name !== "phones" && place.contains(document.activeElement)) continue; // keep the keyboard's place
    place.innerHTML = parts[name];
  }
  scrollToNewest();
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
scrollToNewest();
keepFresh();
