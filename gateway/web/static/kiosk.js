// A machine for everybody: keys that type where the cursor is (a keyboard does as well), and an end
// to what somebody began, or was told, and left: it is not for the next.
(() => {
  "use strict";

  const seconds = Number(document.currentScript.dataset.seconds);
  const keys = document.querySelector(".keys");
  const fields = keys ? [document.getElementById("number"), document.getElementById("mobile")] : [];

  const anew = () => {
    if (keys && !document.querySelector(".errors") && fields.every((one) => !one.value)) return wait();
    location.replace(`${location.pathname}?kiosk`);
  };
  let left = 0;
  const wait = () => {
    clearTimeout(left);
    left = setTimeout(anew, seconds * 1000);
  };
  for (const kind of ["click", "keydown", "focusin"]) document.addEventListener(kind, wait);
  wait();

  if (!keys) return;
  let field = fields.find((one) => one.getAttribute("aria-invalid")) || fields[0];
  for (const one of fields) one.addEventListener("focus", () => { field = one; });
  keys.hidden = false;
  keys.addEventListener("click", (event) => {
    const button = event.target.closest("[data-key]");
    if (!button) return;
    const key = button.dataset.key;
    field.value = key ? (field.value + key).slice(0, 8) : field.value.slice(0, -1);
  });
})();
