// The keys of a machine for everybody: they type where the cursor is. A keyboard does as well.
(() => {
  "use strict";

  const keys = document.querySelector(".keys");
  if (!keys) return;
  const fields = [document.getElementById("number"), document.getElementById("mobile")];
  let field = fields.find((one) => one.getAttribute("aria-invalid")) || fields[0];
  for (const one of fields) one.addEventListener("focus", () => { field = one; });
  keys.hidden = false;
  keys.addEventListener("click", (event) => {
    const button = event.target.closest("[data-key]");
    if (!button) return;
    const key = button.dataset.key;
    field.value = key ? (field.value + key).slice(0, 8) : field.value.slice(0, -1);
  });

  // What somebody began and left is not for the next.
  let left = setTimeout(anew, 60_000);
  function anew() { location.replace(location.pathname + "?kiosk"); }
  for (const kind of ["click", "keydown"]) {
    document.addEventListener(kind, () => { clearTimeout(left); left = setTimeout(anew, 60_000); });
  }
})();
