// Says what the answer in the form will do, in the words of the server, whenever the form changes.

const form = document.querySelector("form.decide");
const line = document.querySelector("[data-preview]");

// How many veils were lifted goes with the answer: who uses it has to know what was looked at.
const unveiled = form?.elements.unveiled;
document.addEventListener("unveiled", () => {
  if (unveiled) unveiled.value = Number(unveiled.value) + 1;
});

form?.addEventListener("change", (event) => {
  if (event.target.name !== "answer") return;
  for (const reason of form.querySelectorAll("[name=reason]")) reason.checked = false; // it went with another answer
});

if (form !== null && line !== null) {
  let asked = 0;

  const say = async () => {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.delete("note"); // content: it is not needed
    try {
      const answer = await fetch(line.dataset.preview, { method: "POST", body });
      const said = await answer.json();
      if (mine !== asked) return; // a later change was asked about meanwhile
      line.textContent = answer.ok ? (said.will ?? [said.missing]).join(" ") : line.dataset.failed;
    } catch {
      line.textContent = line.dataset.silent;
    }
  };

  form.addEventListener("change", (event) => {
    if (event.target.name !== "note") say();
  });
  if (form.querySelector("[name=answer]:checked") !== null) say(); // a refused answer is shown again
}
