// The pages work without this. It puts the focus on what is wrong, counts a wait down,
// shows a new state without reloading, and forgets with the visit on a shared computer.
(() => {
  "use strict";

  const errors = document.querySelector(".errors");
  if (errors) errors.focus();

  const print = document.getElementById("print");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }

  // --- the wait before another code ---
  const wait = document.querySelector("[data-wait]");
  if (wait) {
    const ends = Date.now() + Number(wait.dataset.wait) * 1000;
    const zh = wait.querySelector(".zh");
    const en = wait.querySelector(".en");
    const count = setInterval(() => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      zh.textContent = left > 0 ? `再等${left}秒\uff0c就可以发送\u3002` : "现在可以发送\u3002";
      en.textContent = left > 0 ? `In ${left} seconds you can have a new one.` : "You can have one now.";
      if (left <= 0) clearInterval(count);
    }, 1000);
  }

  // --- a status page asks for its own newest state ---
  const ask = async () => {
    const shown = document.getElementById("status");
    const seconds = shown ? Number(shown.dataset.refresh) : 0;
    if (!seconds) return;
    await new Promise((done) => setTimeout(done, Math.min(seconds, 2) * 1000));
    try {
      const answer = await fetch(`${location.pathname}?auto`, { cache: "no-store" });
      if (answer.status === 403) return location.reload(); // the visit has ended: show that
      if (answer.ok) replace(shown, await answer.text());
    } catch {
      // The network is away: what is shown stays true, and is asked again.
    }
    ask();
  };

  const replace = (shown, text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.getElementById("status");
    if (!fresh || fresh.isEqualNode(shown)) return;
    const changed = fresh.dataset.state !== shown.dataset.state;
    shown.replaceWith(fresh);
    document.title = page.title;
    if (changed) document.getElementById("said").textContent = fresh.querySelector("h1").textContent;
  };
  ask();

  // --- the visit ends on the server; the screen follows ---
  const ends = Number(document.body.dataset.ends);
  if (ends) setTimeout(() => location.replace(`${location.pathname}?auto`), ends * 1000);
})();
