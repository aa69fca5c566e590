// Keys: j k x in lists, a page's own letters (data-key; "g q" is g, then q), arrows along a
// timeline, ? shows them.
const $$ = (css, root = document) => [...root.querySelectorAll(css)];
const rowOf = (el) => el?.closest?.("[data-row]");

function move(step) {
  const all = $$("[data-list] [data-row] a.t");
  const at = all.findIndex((a) => rowOf(a) === rowOf(document.activeElement));
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
  next?.focus();
  rowOf(next)?.scrollIntoView({ block: "nearest" });
}

const letters = {
  "/": () => document.querySelector(".search input").focus(),
  "?": () => document.getElementById("keys").showModal(),
  j: () => move(1),
  k: () => move(-1),
  x: () => rowOf(document.activeElement)?.querySelector("[type=checkbox]")?.click(),
};

let lead = "";
document.addEventListener("keydown", (event) => {
  const { key, target } = event, typed = lead + key;
  lead = "";
  if (key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    import(document.getElementById("palette").dataset.src).then((palette) => palette.toggle());
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (target.matches("input:not([type=checkbox]), textarea, select") && target.checkVisibility()) return;
  if (document.documentElement.matches("[data-no-keys]") && !"/?".includes(key)) return;
  const own = $$("[data-key]").find((el) => el.dataset.key === typed);
  const act = own ? () => own.click() : letters[typed];
  if (typed === "g") lead = "g ";
  if (act) { event.preventDefault(); act(); }
});

// An address that ends in #key-r: what r opens or chooses, never a button.
addEventListener("load", () => {
  const key = /^#key-(\w)$/.exec(location.hash)?.[1];
  if (key) document.querySelector(`:is(input[type=radio], summary)[data-key="${key}"]`)?.click();
});

// One stop of the Tab key per timeline; arrows go from shift to shift and from lane to lane.
function arrows() {
  for (const svg of $$("[data-timeline]")) $$("a", svg).forEach((a, i) => { a.tabIndex = i ? -1 : 0; });
}
document.addEventListener("keydown", (event) => {
  const from = event.target.closest("[data-timeline] a");
  if (!from || !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const lanes = $$("g", from.closest("svg[data-timeline]")).map((g) => $$("a", g)).filter((lane) => lane.length);
  const y = lanes.findIndex((lane) => lane.includes(from)), x = lanes[y].indexOf(from);
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const to = dy ? lanes[y + dy]?.at(Math.min(x, lanes[y + dy].length - 1)) : lanes[y][x + dx];
  if (to) { from.tabIndex = -1; to.tabIndex = 0; to.focus(); }
});
for (const dialog of $$("dialog")) dialog.onclick = ({ target }) => { if (target === dialog) dialog.close(); };
arrows();
document.addEventListener("htmx:afterSwap", arrows);
