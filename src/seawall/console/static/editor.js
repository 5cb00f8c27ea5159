// The editor of a policy file: checks it while it is written, and warns before unsaved text is left.

const form = document.querySelector("form[data-editor]");
const AGAIN_MS = 1000; // between two questions whether the examples are screened
const QUIET_MS = 400; // without a key, the text is checked

if (form !== null) {
  const text = form.elements.text;
  const place = form.querySelector("[data-checked]");
  const summary = form.querySelector("[data-summary]");
  const standing = form.querySelector("[data-stands]");
  const opened = form.dataset.unsaved === "yes" ? null : text.value;
  let timer = null;
  let running = false;
  let leaving = false;

  // One check at a time, so that fast typing piles up no work: what is written meanwhile is checked next.
  const check = async () => {
    if (running) return;
    running = true;
    const asked = text.value;
    const body = new URLSearchParams({
      csrf: form.elements.csrf.value,
      base: form.elements.base.value,
      name: form.dataset.name,
      text: asked,
    });
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body });
      const said = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-said]");
      if (!answer.ok || said === null) throw new Error(answer.statusText);
      if (text.value === asked) show(said);
    } catch {
      summary.textContent = form.dataset.failed;
    }
    running = false;
    if (text.value !== asked) await check();
  };

  const show = (said) => {
    place.replaceChildren(document.importNode(said, true));
    summary.textContent = said.dataset.said;
    standing.textContent = said.dataset.standing;
  };

  // A session that ends while somebody writes must not cost them the text: this tab keeps it until it is closed.
  const key = `seawall-policy-text:${location.pathname}`;
  const offer = document.querySelector("[data-kept]");
  const kept = sessionStorage.getItem(key);
  if (opened !== null && kept !== null && kept !== text.value) offer.hidden = false;
  offer.querySelector("button").addEventListener("click", () => {
    offer.hidden = true;
    text.value = kept;
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.focus();
  });

  // While the examples are screened, what became of it is asked again; text that is written meanwhile ends that.
  const look = async (asked) => {
    const button = form.querySelector("[data-screening] button");
    if (button === null || leaving || text.value !== asked) return;
    try {
      const body = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(button.formAction, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok || leaving || text.value !== asked) return; // the button is still there
      if (page.querySelector("[data-screening]") === null) looked(page);
    } catch {
      return;
    }
    setTimeout(look, AGAIN_MS, asked);
  };

  const looked = (page) => {
    const { name, value } = document.activeElement;
    show(page.querySelector("[data-said]"));
    for (const part of ["[data-looked]", "[data-would]"]) {
      const [old, now] = [form.querySelector(part), page.querySelector(part)];
      if (now !== null) old?.replaceWith(document.importNode(now, true));
    }
    if (!document.activeElement.name && name) {
      [...form.elements].find((one) => one.name === name && one.value === value)?.focus();
    }
  };
  setTimeout(look, AGAIN_MS, text.value);

  text.addEventListener("input", () => {
    sessionStorage.setItem(key, text.value);
    clearTimeout(timer);
    summary.textContent = form.dataset.checking;
    timer = setTimeout(check, QUIET_MS);
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-line]");
    if (button !== null) go(Number(button.dataset.line), Number(button.dataset.column));
  });

  // The caret goes to the line, which is scrolled into view.
  function go(line, column) {
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const at = start + column - 1;
    const end = Math.max(at, start + (lines[line - 1]?.length ?? 0));
    text.focus();
    text.setSelectionRange(at, end);
    text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, line - 6);
  }

  form.addEventListener("submit", (event) => {
    leaving = event.submitter?.formTarget !== "_blank"; // the answer shows the text again
  });
  addEventListener("pageshow", () => (leaving = false));
  addEventListener("beforeunload", (event) => {
    if (!leaving && text.value !== opened) event.preventDefault();
  });
}
