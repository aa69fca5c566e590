// Forms that lose nothing, and a page's small switches. Everything works without this file.
const $$ = (css, root = document) => [...root.querySelectorAll(css)];
const on = (event, act) => document.addEventListener(event, act);
const id = (el) => `draft.${el.dataset.draft}`;

// Typed text survives a reload and an htmx swap; it is let go when its form has been taken.
let kept = null;
try { kept = sessionStorage; } catch { /* storage is off: the browser's own memory must do */ }
const restore = () => $$("[data-draft]").forEach((el) => { el.value ||= kept?.getItem(id(el)) ?? ""; });
const forget = (ids) => ids.forEach((name) => kept?.removeItem(name));
if (performance.getEntriesByType("navigation")[0]?.type === "navigate") {
  forget(JSON.parse(kept?.getItem("sent") ?? "[]"));
}
forget(["sent"]);
on("input", ({ target: el }) => el.dataset.draft && kept?.setItem(id(el), el.value));
on("submit", ({ target: form }) => {
  const ids = $$("[data-draft]", form).map(id);
  if (ids.length && !form.matches("[hx-post]")) kept?.setItem("sent", JSON.stringify(ids));
});
on("htmx:beforeSwap", ({ detail: { requestConfig: { elt, verb }, xhr } }) => {
  if (verb === "post" && xhr.status < 400) forget($$("[data-draft]", elt.closest("form") ?? elt).map(id));
});

// "Your device is in Berlin": offered, never set by itself.
function suggestZone(hint) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const control = document.getElementById(hint.dataset.zoneFor);
  if (control.value === zone || (control.options && !$$("option", control).some((o) => o.value === zone))) return;
  hint.querySelector("b").textContent = zone.replaceAll("_", " ");
  hint.hidden = false;
  hint.querySelector("button").onclick = () => { control.value = zone; hint.hidden = true; control.focus(); };
}

// What a person chose for this device: light or dark, a narrow menu, single-letter keys.
const html = document.documentElement;
let mine = {};
try { mine = JSON.parse(localStorage.getItem("ops") ?? "{}"); } catch { /* for this page only */ }
function choose(change) {
  Object.assign(mine, change);
  try { localStorage.setItem("ops", JSON.stringify(mine)); } catch { /* for this page only */ }
  show();
}
function show() {
  html.classList.toggle("scheme-light", mine.scheme === "light");
  html.classList.toggle("scheme-dark", mine.scheme === "dark");
  html.classList.toggle("rail-narrow", !!mine.rail);
  html.toggleAttribute("data-no-keys", !!mine.noKeys);
  for (const b of $$("[data-scheme] button")) b.ariaPressed = b.value === (mine.scheme ?? "");
  for (const b of $$("[data-rail]")) b.ariaPressed = !!mine.rail;
  for (const b of $$("[data-keys-on]")) b.checked = !mine.noKeys;
}

on("click", ({ target }) => {
  target.closest("[data-dismiss]")?.parentElement.remove();
  if (target.closest("[data-scheme] button")) choose({ scheme: target.value });
  if (target.closest("[data-rail]")) choose({ rail: !mine.rail });
  if (target.matches("[data-keys-on]")) choose({ noKeys: !target.checked });
  for (const el of $$("details:is(.menu, .confirm)[open]")) if (!el.contains(target)) el.open = false;
});
on("keydown", ({ key, target }) => {
  const open = key === "Escape" && target.closest("details:is(.menu, .confirm)[open]");
  if (open) { open.open = false; open.querySelector("summary").focus(); }
});

function ready() {
  restore();
  show();
  for (const el of $$("[data-dismiss], [data-scheme], [data-rail]")) el.hidden = false;
  $$("[data-zone-for]").forEach(suggestZone);
}
ready();
on("htmx:afterSwap", ready);
document.querySelector("[data-focus]")?.focus();
