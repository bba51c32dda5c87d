// The pages work without this. It prints, asks for the newest figures and keeps the focus where it was.
(() => {
  "use strict";

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  const live = document.getElementById("live");
  const seconds = live ? Number(live.dataset.seconds) : 0;
  if (!seconds || !live.textContent.trim()) return;

  const fresh = document.getElementById("fresh");
  const said = document.getElementById("said");
  let tag = "";
  let sentence = firstSentence();

  function firstSentence() {
    const box = live.querySelector("[data-said]");
    return box ? box.dataset.said : "";
  }

  const stamp = (zh, en) => {
    const at = new Date().toLocaleTimeString("zh-CN", { hour12: false });
    fresh.textContent = `${at} ${zh} ${en}`;
  };

  const show = (text) => {
    const held = document.activeElement && live.contains(document.activeElement) ? document.activeElement.id : "";
    live.innerHTML = text;
    if (held) document.getElementById(held)?.focus();
    const now = firstSentence();
    if (now !== sentence) said.textContent = now;
    sentence = now;
  };

  const ask = async () => {
    if (document.hidden) return setTimeout(ask, seconds * 1000); // nobody looks
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const address = new URL(location.href);
      address.searchParams.set("auto", "");
      const answer = await fetch(address, { cache: "no-store", headers, redirect: "error" });
      if (answer.status === 403) return location.reload(); // the session has ended: sign in again
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") || "";
        show(await answer.text());
      }
      if (answer.ok || answer.status === 304) stamp(fresh.dataset.zh, fresh.dataset.en);
      else stamp("没有回应", "No answer; asking again");
    } catch {
      stamp("没有回应", "No answer; asking again");
    }
    setTimeout(ask, seconds * 1000);
  };
  stamp(fresh.dataset.zh, fresh.dataset.en);
  setTimeout(ask, seconds * 1000);
})();
