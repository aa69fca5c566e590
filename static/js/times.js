// Keeps data-relative="ago|length|left" moving; the rules are those of portal/formats.py.
function duration(s) {
  const m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  if (m < 1) return `${s} s`;
  if (h < 1) return `${m} m`;
  if (d < 1) return m % 60 ? `${h} h ${String(m % 60).padStart(2, "0")} m` : `${h} h`;
  return h % 24 && d < 30 ? `${d} d ${h % 24} h` : `${d} d`;
}

function text(mode, seconds) {
  const length = duration(Math.abs(seconds)), ahead = seconds > 0;
  if (mode === "length") return length;
  if (mode === "left") return ahead ? `${length} left` : `Breached ${length}`;
  return !seconds ? "now" : ahead ? `in ${length}` : `${length} ago`;
}

setInterval(() => {
  if (document.hidden) return;
  for (const el of document.querySelectorAll("[data-relative]")) {
    const at = Date.parse(el.closest("time").dateTime);
    const shown = text(el.dataset.relative, Math.round((at - Date.now()) / 1000));
    if (el.textContent !== shown) el.textContent = shown;
  }
}, 1000);
