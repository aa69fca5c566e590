// Before the first paint, so that nothing jumps: the viewer's own light or dark, a narrow menu.
try {
  const { scheme, rail } = JSON.parse(localStorage.getItem("ops") ?? "{}");
  if (scheme) document.documentElement.classList.add(`scheme-${scheme}`);
  if (rail) document.documentElement.classList.add("rail-narrow");
} catch { /* storage is off: the defaults stand */ }
