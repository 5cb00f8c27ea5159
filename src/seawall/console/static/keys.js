// Keyboard: j/k move through rows, Enter opens one, and every element with data-key is pressed by that key.
// Keys typed into a field are ignored here.

const typing = (element) =>
  element.closest("textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio])") !== null;

const rows = () => [...document.querySelectorAll("[data-row]")];

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
  for (const row of all) row.removeAttribute("aria-selected");
  next.setAttribute("aria-selected", "true");
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const candidates = document.querySelectorAll(`[data-key="${CSS.escape(key)}"]:not([disabled])`);
  const visible = [...candidates].filter((candidate) => candidate.offsetParent !== null); // hidden elements are skipped
  const target = visible[0];
  if (target === undefined) return false;
  if (target.matches("[data-unveil]")) {
    for (const veil of visible) veil.click(); // one key lifts all
    return true;
  }
  if (target.matches("select, textarea, input[type=text]")) target.focus();
  else target.click();
  return true;
}

function tick() {
  const box = document.querySelector("[data-row][aria-selected=true] input[type=checkbox]");
  box?.click();
  return box !== null;
}

function submitOnEnter(event) {
  const form = document.querySelector("form[data-enter]");
  if (form === null || event.target.closest("a, button, summary") !== null) return false;
  form.requestSubmit();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && typing(event.target)) return event.target.blur();
  // No option of such a list begins with a digit: a digit leaves it. Letters choose an option, however many are typed.
  if (event.target.matches("select[data-key]") && /^[0-9]$/.test(event.key)) event.target.blur();
  else if (typing(event.target)) return;
  if (document.querySelector("dialog[open]") !== null) return;
  const acted =
    event.key === "?" ? (document.querySelector("#keys")?.showModal(), true)
    : event.key === "j" ? (move(+1), true)
    : event.key === "k" ? (move(-1), true)
    : event.key === "Enter" ? submitOnEnter(event)
    : event.key.length === 1 && (press(event.key) || (event.key === "x" && tick()));
  if (acted) event.preventDefault();
});

// A whole row opens what its first link points to; text can still be selected.
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-row]");
  if (row === null || event.target.closest("a, button, input, label, summary") !== null) return;
  if (String(window.getSelection())) return;
  row.querySelector("a")?.click();
});

document.addEventListener("click", (event) => {
  const veil = event.target.closest("[data-unveil]")?.closest("[data-veiled]");
  if (!veil) return;
  if (veil.hasAttribute("data-held")) {
    veil.removeAttribute("data-held"); // text first: the file is asked for now, and stays blurred
    for (const file of veil.querySelectorAll("[data-src]")) {
      file.src = file.dataset.src;
      file.removeAttribute("data-src");
    }
    return;
  }
  veil.removeAttribute("data-veiled");
  for (const hidden of veil.querySelectorAll("[inert]")) hidden.inert = false;
  veil.dispatchEvent(new CustomEvent("unveiled", { bubbles: true }));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-opens]");
  if (button !== null) document.getElementById(button.dataset.opens)?.showModal();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
