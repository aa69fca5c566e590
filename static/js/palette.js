// Ctrl+K (loaded then): jump to anything. GET /search/?format=json&q= answers {results: [{title, context, kind, url}]}.
const dialog = document.getElementById("palette");
const input = dialog.querySelector("input"), list = dialog.querySelector("ul"), note = dialog.querySelector("p");
let waiting, timer, at = -1;

function pick(index) {
  const all = [...list.querySelectorAll("a")];
  at = all.length ? (index + all.length) % all.length : -1;
  all.forEach((a, i) => { a.ariaSelected = i === at; });
  input.setAttribute("aria-activedescendant", all[at]?.id ?? "");
  all[at]?.scrollIntoView({ block: "nearest" });
}

function option({ title, context, kind, url }, i) {
  const li = document.createElement("li"), a = document.createElement("a"), to = new URL(url, location);
  const href = to.pathname + to.search + to.hash;
  Object.assign(a, { href, id: `palette-${i}`, role: "option", tabIndex: -1 });
  for (const [className, textContent] of Object.entries({ t: title, c: context ?? "", k: kind ?? "" })) {
    a.append(Object.assign(document.createElement("span"), { className, textContent }));
  }
  li.role = "none";
  li.append(a);
  return li;
}

async function ask() {
  waiting?.abort();
  waiting = new AbortController();
  const query = new URLSearchParams({ format: "json", q: input.value.trim() });
  try {
    const { results } = await (await fetch(`/search/?${query}`, waiting)).json();
    list.replaceChildren(...results.map(option));
    note.textContent = results.length || !input.value ? "" : "Nothing found";
    pick(0);
  } catch (error) {
    if (error.name !== "AbortError") note.textContent = "Search does not answer. Enter opens its page.";
  }
}

export function toggle() {
  if (dialog.open) return dialog.close();
  dialog.showModal();
  input.select();
  ask();
}

input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
input.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
  if (step) pick(at + step);
  if (event.key === "Enter" && at >= 0) list.children[at].firstChild.click();
  else if (!step) return;
  event.preventDefault();
});
