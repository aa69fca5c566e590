// A ticket's page: drafts that are kept, who else is here, the composer's keys, mentions, the
// seconds in which a reply can be taken back. Everything works without this file.
const $ = (css, root = document) => root.querySelector(css);
const $$ = (css, root = document) => [...root.querySelectorAll(css)];
const form = $("[data-compose]");
const body = $("#say-body"), other = $("#say-other"), saved = $("#say-saved");
const token = form && $("[name=csrfmiddlewaretoken]", form).value;
const EVERY = 10_000, SAVE_AFTER = 2_500; // milliseconds

function post(url, values, more = {}) {
  const data = new FormData();
  for (const [name, value] of Object.entries({ csrfmiddlewaretoken: token, ...values })) data.append(name, value);
  return fetch(url, { method: "POST", body: data, credentials: "same-origin", ...more });
}

// -- which kind of message; each keeps words of its own, so that a note is never sent by mistake
const kinds = form ? $$("[name=kind]", form) : [];
const kind = () => kinds.find((one) => one.checked)?.value ?? "note";
let shown = form && kind();

function swap() {
  if (kind() === shown) return;
  save();
  [body.value, other.value] = [other.value, body.value];
  shown = kind();
}

function use(name) {
  const wanted = kinds.find((one) => one.value === name);
  if (!wanted) return false;
  wanted.checked = true;
  swap();
  return true;
}

// -- drafts
let timer = 0, last = "";
const state = () => `${shown}\n${body.value}`;

async function save() {
  clearTimeout(timer);
  if (state() === last) return;
  last = state();
  try {
    const answer = await post(form.dataset.draftUrl, { kind: shown, body: body.value }, { keepalive: body.value.length < 20_000 });
    if (!answer.ok || answer.redirected) throw new Error(answer.status);
    const { saved: kept } = await answer.json();
    saved.textContent = kept ? `Draft saved ${new Date().toTimeString().slice(0, 5)}` : "";
  } catch {
    last = "";
    saved.textContent = "Not saved: no connection. Your text stays here.";
  }
}

// -- who is here
async function here(leaving = false) {
  if (document.hidden && !leaving) return;
  const writing = body.value.trim() && document.activeElement === body ? "1" : "0";
  try {
    const values = leaving ? { leave: "1" } : { writing };
    const answer = await post(form.dataset.presenceUrl, values, { keepalive: true });
    if (answer.ok && !answer.redirected && !leaving) $("#present").innerHTML = await answer.text();
  } catch { /* next time */ }
}

// -- macros
async function insert(button) {
  const pick = $("#say-macro");
  if (!pick.value) return pick.focus();
  button.disabled = true;
  try {
    const answer = await post(form.dataset.macroUrl, { macro: pick.value }, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    const filled = await answer.json();
    use(filled.kind);
    body.value = body.value.trim() ? `${body.value.trimEnd()}\n\n${filled.body}` : filled.body;
    const code = $("#say-code");
    if (code && filled.code) code.value = filled.code;
    pick.value = "";
    typed();
    body.focus();
  } catch {
    saved.textContent = "The macro could not be read.";
  } finally { button.disabled = false; }
}

// -- mentions: @ and two letters offer names
let offered = null;
function offer() {
  offered?.remove();
  offered = null;
  const before = body.value.slice(0, body.selectionStart);
  const found = /(?:^|\s)@([\p{L}\d.]{1,30})$/u.exec(before);
  if (!found) return;
  const people = $$("#agents option").filter((one) => `${one.dataset.name} ${one.value}`.toLowerCase().includes(found[1].toLowerCase())).slice(0, 5);
  if (!people.length) return;
  offered = Object.assign(document.createElement("ul"), { className: "mentions", role: "listbox", ariaLabel: "People" });
  people.forEach((one, i) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: one.dataset.name, role: "option", ariaSelected: String(!i) });
    button.dataset.mail = one.value;
    const li = document.createElement("li");
    li.role = "none";
    li.append(button);
    offered.append(li);
  });
  offered.dataset.typed = found[1];
  body.after(offered);
}
function mention(button) {
  const at = body.selectionStart - offered.dataset.typed.length;
  body.setRangeText(`${button.dataset.mail} `, at, body.selectionStart, "end");
  offered.remove();
  offered = null;
  typed();
  body.focus();
}

function typed() {
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER);
}

if (form) {
  last = state();
  body.addEventListener("input", () => { typed(); offer(); });
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "kind") return;
    swap();
    body.focus();
  });
  // A key or a click on the mode that is chosen already brings to the words all the same.
  for (const one of kinds) one.addEventListener("click", () => { body.focus(); setTimeout(() => body.focus()); });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches(".mentions button")) { event.preventDefault(); mention(button); }
    if (button?.matches("[data-insert]")) { event.preventDefault(); insert(button); }
    if (button?.value === "wait" && !body.value.trim() && !$("#say-files").files.length) {
      event.preventDefault(); // w begins the reply, w or a click with words sends it
      use("reply");
      body.focus();
    }
  });
  form.addEventListener("submit", () => { clearTimeout(timer); last = state(); });
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit($("[data-send]", form));
    }
    if (!offered) return;
    const all = $$("button", offered), at = all.findIndex((one) => one.ariaSelected === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) all.forEach((one, i) => { one.ariaSelected = String(i === (at + step + all.length) % all.length); });
    else if (["Enter", "Tab"].includes(event.key) && !event.ctrlKey) mention(all[at]);
    else if (event.key === "Escape") { offered.remove(); offered = null; } else return;
    event.preventDefault();
  });
  addEventListener("pagehide", () => { save(); here(true); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
  here();
  setInterval(here, EVERY);
}

// -- keys of this page: 1 to 4, a twice, and what opens in place takes the focus
let assigned = 0;
document.addEventListener("toggle", ({ target }) => {
  if (!target.open || !target.id?.startsWith("act-")) return;
  $("select, textarea, input:not([type=hidden])", target)?.focus();
  if (target.id === "act-assign") assigned = performance.now();
}, true);
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const me = $("[data-me]");
  if (key === "a" && me && target.id === "assign-owner" && !target.value && performance.now() - assigned < 1500) {
    event.preventDefault();
    me.requestSubmit();
    return;
  }
  if (target.matches("input:not([type=checkbox]), textarea, select") || document.documentElement.matches("[data-no-keys]")) return;
  const beside = { j: "next", k: "prev" }[key];
  if (beside) return $(`.neighbors [rel=${beside}]`)?.click();
  const box = $("#act-priority");
  if (!"1234".includes(key) || !box) return;
  event.preventDefault();
  box.open = true;
  $("select", box).value = `P${key}`;
  setTimeout(() => $("[name=reason]", box).focus());
});
const keys = $("#ticket-keys");
if (keys) $("#keys .key-list")?.append(keys.content.cloneNode(true));

// -- what a refresh brought: seen when nothing is being written, asked about otherwise
document.addEventListener("htmx:afterSwap", () => {
  const story = $("#story");
  if (form && story && !body.value.trim()) $("[name=seen]", form).value = story.dataset.newest;
});

// -- the seconds until a held reply goes out
setInterval(() => {
  for (const el of $$("[data-goes-out]")) {
    const left = Math.ceil((Date.parse(el.dateTime) - Date.now()) / 1000);
    const text = left > 0 ? `in ${left} s` : "now";
    if (el.textContent !== text) el.textContent = text;
    if (left <= 0) el.closest(".msg-alarm")?.querySelector("form")?.remove();
  }
}, 500);
