// A form that asks for the first time starts at the device's own zone; anybody may choose another.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const select of document.querySelectorAll("[data-zone-auto]")) {
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}
