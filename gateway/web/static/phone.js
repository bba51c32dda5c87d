// The telephone simulator: keys go to the same dialogue as a real call's, its words are shown and spoken.
(() => {
  "use strict";

  const phone = document.getElementById("phone");
  if (!phone) return;
  phone.hidden = false;

  const state = document.getElementById("state");
  const pressed = document.getElementById("pressed");
  const captions = document.getElementById("captions");
  const dial = document.getElementById("dial");
  const hang = document.getElementById("hang");
  const sound = document.getElementById("sound");
  const keypad = [...phone.querySelectorAll(".key")];

  const READING = 160; // milliseconds a character takes where nobody speaks
  const WORDS = {
    idle: ["可以拨打", "Ready to call"],
    dialling: ["正在接通…", "Connecting…"],
    live: ["通话中", "In a call"],
    transfer: ["转接人工", "Put through to a person"],
    hang_up: ["通话已结束", "The call has ended"],
    failed: ["没有接通，请再拨一次", "No connection; please call again"],
  };

  let step = 0; // which the next keys answer
  let waits = null; // what the dialogue waits for
  let keys = ""; // pressed and not yet sent
  let finished = ""; // the key that would have ended the number just completed by its length
  let ahead = ""; // pressed while the answer was on its way
  let asking = false;
  let timer = 0;
  let round = 0; // answers so far: an older one's timer or voice means nothing any more

  const live = () => phone.dataset.state === "live" || phone.dataset.state === "dialling";

  const show = (name) => {
    phone.dataset.state = name;
    const [zh, en] = WORDS[name];
    state.replaceChildren(element("span", "zh", zh), " ", element("span", "en", en, "en"));
    dial.disabled = live();
    hang.disabled = !live();
    keypad.forEach((key) => { key.disabled = !live(); });
  };

  const element = (tag, name, text, lang) => {
    const made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    if (lang) made.lang = lang;
    return made;
  };

  const caption = (name, zh, en) => {
    const line = element("p", name, "");
    line.append(element("span", "zh", zh), " ", element("span", "en", en, "en"));
    captions.append(line);
    captions.scrollTop = captions.scrollHeight;
  };

  // --- speaking ---

  const speech = window.speechSynthesis;
  const wanted = () => speech && sound.getAttribute("aria-pressed") === "true";
  const quiet = () => { if (speech) speech.cancel(); };

  // Resolves when all was said, or would have been read.
  const speak = (lines) => new Promise((done) => {
    const reading = lines.reduce((sum, line) => sum + line.zh.length * READING * (100 / line.rate), 0);
    const voice = wanted() && speech.getVoices().find((one) => one.lang.replace("_", "-").startsWith("zh"));
    if (!voice || !lines.length) return setTimeout(done, reading);
    lines.forEach((line, place) => {
      const said = new SpeechSynthesisUtterance(line.zh);
      said.lang = "zh-CN";
      said.voice = voice;
      said.rate = line.rate / 100;
      if (place === lines.length - 1) said.addEventListener("end", done);
      speech.speak(said);
    });
    setTimeout(done, 3 * reading + 2000); // a browser that never says it has ended
  });

  // --- the line ---

  const ask = async (body) => {
    asking = true;
    clearTimeout(timer);
    try {
      const answer = await fetch(phone.dataset.calls, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Token": phone.dataset.token },
        body: JSON.stringify({ ...body, step }),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      hear(await answer.json());
    } catch {
      end("failed");
    } finally {
      asking = false;
      const late = ahead;
      ahead = "";
      for (const key of late) press(key);
    }
  };

  const hear = (reply) => {
    if (!live()) return; // hung up meanwhile
    quiet();
    round += 1;
    ({ step, waits } = reply);
    keys = "";
    pressed.textContent = "";
    reply.say.forEach((line) => caption(line.rate < 100 ? "said slow" : "said", line.zh, line.en));
    if (reply.end) end(reply.end);
    else show("live");
    const mine = round;
    speak(reply.say).then(() => { if (mine === round && !keys) await_key("first"); });
  };

  const await_key = (which) => {
    clearTimeout(timer);
    if (!live() || !waits) return;
    timer = setTimeout(() => (keys ? send("") : ask({ event: "silence" })), waits[which] * 1000);
  };

  const send = (terminator) => {
    const sent = keys;
    keys = "";
    ask({ event: "keys", keys: sent, terminator });
  };

  const press = (key) => {
    if (!live()) return;
    const spare = key === finished; // the # after a number that was complete without it
    finished = "";
    if (spare) return;
    if (asking || !waits) { ahead += key; return; }
    quiet();
    round += 1; // what was being said is interrupted
    if (!waits.terminator) {
      keys = key;
      caption("keyed", `您按了${key}`, `You pressed ${key}`);
      return send("");
    }
    if (key === waits.terminator) return number_done(key);
    keys += key;
    pressed.textContent = "●".repeat(keys.length);
    if (keys.length >= waits.max || keys.endsWith("**")) {
      finished = waits.terminator;
      number_done("");
    }
    else await_key("between");
  };

  const number_done = (terminator) => {
    const dots = "●".repeat(keys.length) + terminator;
    caption("keyed", `您按了${dots}`, `You pressed ${dots}`);
    send(terminator);
  };

  const end = (how) => {
    clearTimeout(timer);
    waits = null;
    pressed.textContent = "";
    show(how);
    dial.focus();
  };

  // --- what is pressed ---

  dial.addEventListener("click", () => {
    captions.replaceChildren();
    show("dialling");
    waits = null;
    captions.focus({ preventScroll: true });
    ask({ event: "call" });
  });

  hang.addEventListener("click", () => {
    quiet();
    round += 1;
    leave();
    end("hang_up");
  });

  const leave = () => fetch(phone.dataset.calls, {
    method: "POST",
    keepalive: true,
    headers: { "Content-Type": "application/json", "X-Token": phone.dataset.token },
    body: JSON.stringify({ event: "hang_up", step }),
  }).catch(() => {}); // the line is dead either way

  window.addEventListener("pagehide", () => { quiet(); if (live()) leave(); });

  keypad.forEach((key) => key.addEventListener("click", () => press(key.dataset.key)));

  document.addEventListener("keydown", (event) => {
    if (!live() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const key = keypad.find((one) => one.dataset.key === event.key);
    if (!key) return;
    event.preventDefault();
    key.classList.add("down");
    setTimeout(() => key.classList.remove("down"), 150);
    press(event.key);
  });

  sound.addEventListener("click", () => {
    const on = sound.getAttribute("aria-pressed") !== "true";
    sound.setAttribute("aria-pressed", String(on));
    if (!on) quiet();
  });

  if (speech) speech.getVoices(); // some browsers fetch their voices only when asked
  else sound.hidden = true;
  show("idle");
})();
