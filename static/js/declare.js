// Declaring: digits tick what may belong to the incident also while an answer has the focus, and a
// form is sent once. Everything works without this file.
const form = document.querySelector("[data-declare]");

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(key)) return;
  if (!target.matches("input[type=radio]") || document.documentElement.matches("[data-no-keys]")) return;
  const box = form.querySelector(`[data-key="${key}"]`);
  if (!box) return;
  event.preventDefault();
  box.click();
});

form.addEventListener("submit", (event) => {
  if (form.classList.contains("is-sent")) event.preventDefault();
  form.classList.add("is-sent");
});
addEventListener("pageshow", () => form.classList.remove("is-sent"));
