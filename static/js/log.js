// Quick log: what is asked while somebody types, and a form that needs no mouse.
const $ = (css, root = document) => root.querySelector(css), $$ = (css, root = document) => [...root.querySelectorAll(css)];
const form = $("[data-log]"), at = form.dataset, el = form.elements;
const later = (act, ms) => { let timer; return () => { clearTimeout(timer); timer = setTimeout(act, ms); }; };
// The newest question's answer; one that is late is dropped.
const asking = {};
async function ask(name, url, options = {}) {
  asking[name]?.abort();
  asking[name] = new AbortController();
  try {
    const answer = await fetch(url, { ...options, signal: asking[name].signal });
    if (answer.redirected || answer.status === 401) return null;
    return answer.ok ? answer : null;
  } catch { return null; }
}
const query = (names) => new URLSearchParams(names.map((name) => [name, el[name].value]));
const chosen = () => $("[name=type]:checked", form);

// -- what is promised

const promise = $("[data-promise-line]");
const promised = later(async () => {
  if (!chosen()) return;
  const answer = await ask("promise", `${at.promise}?${query(["type", "impact", "urgency", "requester", "tags"])}`);
  if (answer) promise.innerHTML = await answer.text();
}, 60);

// -- the same problem

const hints = $("[data-hints]");
const looked = later(async () => {
  const answer = await ask("similar", `${at.similar}?${query(["subject", "surface", "type"])}`);
  if (answer) hints.innerHTML = (await answer.text()).trim();
}, 150);
function wait(ref) {
  el.incident.value = ref;
  const line = $("[data-incident]");
  line.hidden = !ref;
  $("b", line).textContent = ref;
}
hints.addEventListener("click", ({ target }) => {
  const link = target.closest("[data-link]");
  if (link) { wait(link.dataset.link); el.subject.focus(); }
});
hints.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], all = $$("button", hints);
  if (event.key === "Escape") return el.subject.focus();
  if (!step) return;
  event.preventDefault();
  (all[all.indexOf(event.target.closest("button")) + step] ?? (step < 0 ? el.subject : all.at(-1))).focus();
});
$("[data-unlink]").hidden = false;
$("[data-unlink]").onclick = () => { wait(""); el.subject.focus(); };

// -- type: digits, and the impact and urgency that come with it

let touched = !!(el.impact.value || el.urgency.value);
function typed() {
  const type = chosen();
  if (type && !touched) for (const name of ["impact", "urgency"]) {
    for (const option of el[name].options) {
      if (!option.value) option.textContent = `As the type says: ${type.dataset[name]}`;
    }
  }
  promised();
  looked();
}
function pick(number) {
  const radio = $$("[name=type]", form)[number - 1];
  if (!radio) return false;
  radio.checked = true;
  typed();
  (el.requester.value ? radio : el.requester).focus();
  return true;
}

// -- requester: a list under the field

const who = el.requester, list = $("#requesters");
Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })
  .forEach(([name, value]) => who.setAttribute(name, value));
let lit = -1;
function show(rows) {
  list.replaceChildren(...rows.map(({ email, name, account }, i) => {
    const li = document.createElement("li");
    Object.assign(li, { id: `requester-${i}`, role: "option" });
    li.dataset.value = email;
    for (const [className, textContent] of [["t", name || email], ["c", [name && email, account].filter(Boolean).join(" · ")]]) {
      li.append(Object.assign(document.createElement("span"), { className, textContent }));
    }
    return li;
  }));
  list.hidden = !rows.length;
  who.setAttribute("aria-expanded", String(!!rows.length));
  light(rows.length && who.value.trim() && !who.value.includes("@") ? 0 : -1);
}
function light(index) {
  lit = list.children.length ? Math.max(-1, Math.min(index, list.children.length - 1)) : -1;
  [...list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === lit)));
  if (lit >= 0) { who.setAttribute("aria-activedescendant", list.children[lit].id); list.children[lit].scrollIntoView({ block: "nearest" }); }
  else who.removeAttribute("aria-activedescendant");
}
function take(li) {
  who.value = li.dataset.value;
  who.dispatchEvent(new Event("change", { bubbles: true }));
  show([]);
  promised();
}
const find = later(async () => {
  const q = who.value.trim();
  const answer = q.length > 0 && document.activeElement === who ? await ask("who", `${at.requesters}?${new URLSearchParams({ q })}`) : null;
  show(answer && document.activeElement === who ? (await answer.json()).results : []);
}, 100);
list.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const li = event.target.closest("li");
  if (li) take(li);
});
who.addEventListener("blur", () => show([]));

// -- what was pasted

let before = null;
const said = $("[data-paste-said]"), undo = $("[data-undo]");
async function read(text) {
  const body = new FormData();
  for (const [name, value] of [["paste", text], ["type", chosen()?.value ?? ""], ["csrfmiddlewaretoken", el.csrfmiddlewaretoken.value]]) body.append(name, value);
  said.textContent = "Reading…";
  const answer = await ask("read", at.read, { method: "POST", body });
  if (!answer) { said.textContent = "This could not be read just now. What you pasted is still here."; return; }
  const { found } = await answer.json(), filled = [];
  before = new Map();
  for (const { name, value, label } of found) {
    const field = el[name];
    if (!field || field.value?.trim()) continue;
    before.set(name, "");
    if (field instanceof RadioNodeList) field.value = value;
    else { field.value = value; field.dispatchEvent(new Event("input", { bubbles: true })); }
    filled.push(label);
  }
  said.textContent = filled.length ? `Filled: ${filled.join(", ")}.` : "Nothing new could be read from it.";
  undo.hidden = !filled.length;
  show([]);
  typed();
}
undo.onclick = () => {
  for (const name of before.keys()) {
    const field = el[name];
    if (field instanceof RadioNodeList) for (const radio of field) radio.checked = false;
    else { field.value = ""; field.dispatchEvent(new Event("input", { bubbles: true })); }
  }
  said.textContent = "Taken back.";
  undo.hidden = true;
  show([]);
  promise.textContent = "";
};
$("[data-read-it]").onclick = (event) => { event.preventDefault(); read(el.paste.value); };
form.addEventListener("paste", ({ target }) => {
  if (target === el.paste || target === el.body) setTimeout(() => (target === el.paste || target.value.length > 60) && read(target.value));
});

// -- keys

const missing = () => [el.subject.value.trim() ? null : el.subject, chosen() ? null : $("[name=type]", form), who.value.trim() ? null : who].find(Boolean);
form.addEventListener("keydown", (event) => {
  const { key, target } = event, list_open = target === who && !list.hidden;
  if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return $(`.form-foot [value=${event.shiftKey ? "next" : "create"}]`).click();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (target === who && step) { event.preventDefault(); return list_open ? light(lit + step) : find(); }
  if (list_open && key === "Escape") return show([]);
  if (list_open && lit >= 0 && (key === "Enter" || key === "Tab")) {
    if (key === "Enter") event.preventDefault();
    return take(list.children[lit]);
  }
  if (target === el.subject && key === "ArrowDown" && $("button", hints)) { event.preventDefault(); return $("button", hints).focus(); }
  // Enter goes on to what is still missing, and creates once nothing is.
  if (key === "Enter" && target.matches("input:not([type=file])")) {
    const next = missing();
    if (next && next !== target) { event.preventDefault(); return next.focus(); }
  }
});
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(key) || document.querySelector("dialog[open]")) return;
  if (target.matches("input:not([type=radio], [type=checkbox]), textarea, select")) return;
  if (!document.documentElement.matches("[data-no-keys]") && pick(Number(key))) event.preventDefault();
});

form.addEventListener("input", ({ target }) => {
  if (target === el.subject || target === el.surface) looked();
  if (target === who) find();
  if (target === el.tags) promised();
});
form.addEventListener("change", ({ target }) => {
  if (target.name === "type") typed();
  if (target === el.impact || target === el.urgency) { touched = true; promised(); }
  if (target === who) promised();
});
// Once is enough: a second press while the answer is on its way would log it twice.
form.addEventListener("submit", (event) => {
  if (form.classList.contains("is-sent")) event.preventDefault();
  form.classList.add("is-sent");
});
addEventListener("pageshow", () => form.classList.remove("is-sent"));
if (chosen() || el.subject.value) typed();
