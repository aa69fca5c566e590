// The queue: acting on rows by single letters, and rows that are fetched again while one looks.
const $ = (css, root = document) => root.querySelector(css), $$ = (css, root = document) => [...root.querySelectorAll(css)];
const page = $("[data-queue]"), form = $("[data-bulk]"), bar = $(".bulkbar");
const boxes = (more = "") => $$(`[name=ids]${more}`);
const rowOf = (el) => el?.closest?.("[data-row]");
let cursor = "", lent = null, lead = false;

// -- the selection

const all = () => $("[data-all]");
function counted() {
  const chosen = boxes(":checked").length, box = all();
  if (box) {
    box.hidden = false;
    box.checked = chosen > 0 && chosen === boxes().length;
    box.indeterminate = chosen > 0 && !box.checked;
  }
  if (bar) $("[data-count]", bar).textContent = `${chosen} selected`;
}
function select(on, some) {
  for (const box of some ?? boxes()) box.checked = on;
  counted();
}
let last = null;
document.addEventListener("click", ({ target, shiftKey }) => {
  if (target.matches("[data-all]")) select(target.checked);
  if (!target.matches("[name=ids]")) return;
  const rows = boxes(), at = rows.indexOf(target), from = rows.indexOf(last);
  if (shiftKey && from >= 0) select(target.checked, rows.slice(Math.min(at, from), Math.max(at, from) + 1));
  last = target;
  lent = null;
  counted();
});
form?.addEventListener("reset", () => setTimeout(() => { close(); counted(); }));
document.addEventListener("focusin", ({ target }) => { if (rowOf(target)) cursor = rowOf(target).dataset.id; });

// -- panels of the bar: they act on what is selected, else on the row that was last in focus

const open = () => $("details[open]", bar);
function close(back) {
  const panel = bar && open();
  if (panel) panel.open = false;
  if (lent) select(false, [lent]);
  lent = null;
  if (panel && back) focusRow();
}
const current = () => $(`[data-row][data-id="${cursor}"]`);
const focusRow = () => $("a.t", current() ?? document)?.focus({ preventScroll: true });
function act(name) {
  if (!bar) return false;
  if (!boxes(":checked").length) {
    const box = current() && $("[name=ids]", current());
    if (!box) return false;
    select(true, [box]);
    lent = box;
  }
  for (const other of $$("details", bar)) other.open = other.dataset.do === name;
  const panel = open();
  $("select, input:not([type=radio]), textarea, [data-me]", panel)?.focus();
  if (name === "assign" || name === "snooze") $("[data-me], [type=radio]", panel).focus();
  return panel;
}
// A form has one default button; in a panel, Enter means the panel's own.
form?.addEventListener("keydown", (event) => {
  const panel = event.target.closest(".bulkbar details");
  if (event.key !== "Enter" || !panel || event.target.matches("textarea, button, summary")) return;
  event.preventDefault();
  $("button.btn--primary", panel).click();
});
form?.addEventListener("submit", ({ submitter }) => {
  if (submitter?.matches("[data-me]")) $("#b-owner").value = "me";
});

// -- letters

const go = (key) => {
  const row = current() ?? rowOf(boxes(":checked")[0]), link = row && $("a.t", row);
  if (!link) return false;
  location.href = `${link.getAttribute("href")}#key-${key}`;
  return true;
};
const many = () => boxes(":checked").length > 1;
const letters = {
  a: () => (open()?.dataset.do === "assign" ? ($("[data-me]").click(), true) : act("assign")),
  e: () => act("resolve"),
  h: () => act("snooze"),
  t: () => act("tag"),
  m: () => act("merge"),
  r: () => (many() ? act("reply") : go("r")),
  n: () => (many() ? act("note") : go("n")),
  w: () => go("r"),
  l: () => go("l"),
  f: () => { const menu = $("[data-filter]"); menu.open = !menu.open; if (menu.open) $("input, select", menu).focus(); return true; },
  "/": () => { $(".queue-search input").focus(); return true; },
};
for (const digit of "1234") {
  letters[digit] = () => {
    const panel = act("priority");
    if (panel) $(`[value=P${digit}]`, panel).checked = true;
    return panel;
  };
}
document.addEventListener("keydown", (event) => {
  const { key, target } = event, chord = lead;
  lead = key === "g";
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (key === "Escape" && bar && (open() || boxes(":checked").length)) {
    event.stopImmediatePropagation();
    return open() ? close(true) : select(false);
  }
  if (chord || target.matches("input:not([type=checkbox]), textarea, select")) return;
  if (document.documentElement.matches("[data-no-keys]") && key !== "/") return;
  if (!letters[key]?.()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
const sheet = $("#keys .key-list"), own = $("template[data-keys]");
if (sheet && own) sheet.append(own.content.cloneNode(true));

// -- fetched again every twenty seconds; selection, focus and scroll stay

const note = $("#queue-sum");
let since = new Date();
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(page.dataset.live + location.search, { headers: { "X-Requested-With": "fetch" } });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    since = new Date();
  } catch {
    note.textContent = `The list cannot be fetched just now; it is as of ${since.toTimeString().slice(0, 5)}.`;
  }
}
function put(fresh) {
  const chosen = new Set(boxes(":checked").map((box) => box.value)), held = rowOf(document.activeElement);
  const inBox = document.activeElement.matches("[name=ids]");
  for (const part of ["queue-tabs", "queue-rows"]) {
    if ($(`#${part}`).contains(document.activeElement) && part === "queue-tabs") continue;
    $(`#${part}`).replaceWith($(`#${part}`, fresh));
  }
  note.textContent = $("#queue-sum", fresh).textContent;
  select(true, boxes().filter((box) => chosen.has(box.value)));
  if (lent) lent = boxes().find((box) => box.value === lent.value) ?? null;
  if (held && current()) $(inBox ? "[name=ids]" : "a.t", current()).focus({ preventScroll: true });
}
setInterval(refresh, 20_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && new Date() - since > 20_000) refresh(); });
page.addEventListener("queue:refresh", refresh);
addEventListener("pageshow", counted);
counted();
