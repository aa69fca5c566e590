// Small helps for the admin's own forms. Everything works without them: rows have a number to put
// them in order, empty rows wait at the end, and what is copied can be selected.

// -- the viewer's light or dark is the portal's, both ways
const SCHEME = "adminTheme"; // where unfold's switch keeps it
try {
  const portal = JSON.parse(localStorage.getItem("ops") ?? "{}");
  localStorage.setItem(SCHEME, JSON.stringify(portal.scheme || "auto"));
  window.addEventListener("pagehide", () => {
    const chosen = JSON.parse(localStorage.getItem(SCHEME) ?? '"auto"');
    const kept = JSON.parse(localStorage.getItem("ops") ?? "{}");
    if (chosen === "auto") delete kept.scheme; else kept.scheme = chosen;
    localStorage.setItem("ops", JSON.stringify(kept));
  });
} catch { /* storage is off: the defaults stand */ }

const rowsOf = (box) => [...box.querySelectorAll("[data-row]")];
const isBlank = (row) => row.hasAttribute("data-blank") && ![...row.querySelectorAll("select, input:not([data-position])")].some((one) => (one.type === "checkbox" ? one.checked : one.value));

// -- rows in order
function renumber(box) {
  let place = 0;
  for (const row of rowsOf(box)) row.querySelector("[data-position]").value = isBlank(row) ? "" : String(++place);
}

function step(row, by) {
  const box = row.closest("[data-rows]");
  const rows = rowsOf(box);
  const other = rows[rows.indexOf(row) + by];
  if (!other) return;
  if (by < 0) other.before(row); else other.after(row);
  renumber(box);
}

function movers(row, box) {
  const place = row.querySelector("[data-position]");
  const bar = document.createElement("span");
  bar.className = "ops-move";
  const grip = document.createElement("span");
  grip.className = "ops-grip";
  grip.textContent = "⠿";
  grip.setAttribute("aria-hidden", "true");
  grip.addEventListener("pointerdown", (event) => drag(event, row, box));
  bar.append(grip);
  for (const [word, sign, by] of [["Move up", "↑", -1], ["Move down", "↓", 1]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.setAttribute("aria-label", `${word}: ${place.getAttribute("aria-label")}`);
    button.addEventListener("click", () => { step(row, by); button.focus(); });
    bar.append(button);
  }
  place.before(bar);
}

function drag(event, row, box) {
  event.preventDefault();
  row.classList.add("is-moving");
  const move = ({ clientY }) => {
    const over = rowsOf(box).find((one) => one !== row && clientY >= one.getBoundingClientRect().top && clientY <= one.getBoundingClientRect().bottom);
    if (!over) return;
    const { top, height } = over.getBoundingClientRect();
    if (clientY < top + height / 2) over.before(row); else over.after(row);
  };
  const end = () => {
    row.classList.remove("is-moving");
    stop.abort();
    renumber(box);
  };
  // On the document: an element that moves in the tree loses the pointer that it had caught.
  const stop = new AbortController();
  document.addEventListener("pointermove", move, { signal: stop.signal });
  for (const over of ["pointerup", "pointercancel"]) document.addEventListener(over, end, { signal: stop.signal });
}

// A copy of an empty row under the next number; names end in -<n>-<part>.
function another(last, name, count) {
  const copy = last.cloneNode(true);
  for (const input of copy.querySelectorAll("[name]")) {
    input.name = `${name}-${count}-${input.name.split("-").at(-1)}`;
    if (input.type === "checkbox") input.checked = false; else input.value = "";
  }
  copy.querySelector(".ops-move")?.remove();
  copy.querySelectorAll(".ops-targets").forEach(targets);
  return copy;
}

function ordered(box) {
  const name = box.dataset.rows;
  box.classList.add("has-moves");
  for (const row of rowsOf(box)) movers(row, box);
  box.addEventListener("change", () => renumber(box));
  const button = box.querySelector("[data-add-row]");
  const rows = rowsOf(box);
  let count = rows.length;
  for (const spare of rows.filter(isBlank).slice(1)) spare.remove();
  if (!button || !rowsOf(box).some((row) => row.hasAttribute("data-blank"))) return;
  const pattern = rowsOf(box).find((row) => row.hasAttribute("data-blank")).cloneNode(true);
  button.hidden = false;
  button.addEventListener("click", () => {
    const row = another(pattern, name, count++);
    rowsOf(box).at(-1).after(row);
    movers(row, box);
    row.querySelector("select, input:not([data-position])").focus();
  });
}

// -- a step's targets: the next choice appears when the one before is made
function targets(box) {
  const choices = [...box.querySelectorAll("select")];
  const first = choices.findIndex((one) => !one.value);
  choices.forEach((one, index) => { one.hidden = first !== -1 && index > first; });
}

// -- weekly windows: one more row
function windows(box) {
  const rows = () => [...box.querySelectorAll(".ops-window")];
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ops-btn ops-btn--s";
  button.textContent = "Add a window";
  let count = rows().length;
  button.addEventListener("click", () => {
    const row = another(rows().at(-1), box.dataset.windows, count++);
    rows().at(-1).after(row);
    row.querySelector("input").focus();
  });
  const line = document.createElement("p");
  line.append(button);
  box.append(line);
}

// -- a secret that is shown once: copied by a button, and a reload makes no second one
function secrets() {
  const shown = document.querySelector("[data-now-at]");
  if (shown) history.replaceState(null, "", shown.dataset.nowAt);
  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    button.hidden = false;
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        button.textContent = "Copied";
      } catch { document.execCommand("copy"); }
    });
  }
}

// -- a macro's words with sample facts, as they are typed
function fills(shown) {
  const typed = document.getElementById(shown.dataset.fills);
  const facts = JSON.parse(shown.dataset.facts);
  const fill = () => { shown.textContent = typed.value.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole); };
  typed?.addEventListener("input", fill);
}

window.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-fills]").forEach(fills);
  document.querySelectorAll("[data-rows]").forEach(ordered);
  document.querySelectorAll("[data-windows]").forEach(windows);
  document.querySelectorAll(".ops-targets").forEach(targets);
  document.addEventListener("change", ({ target }) => {
    const box = target.closest(".ops-targets");
    if (box) targets(box);
  });
  secrets();
});
