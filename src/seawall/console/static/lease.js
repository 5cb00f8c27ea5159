// Keeps the lease of an open case: counts down, and renews it while the page is in use.

const place = document.querySelector("[data-lease]");
const BEAT_MS = 60_000;
const IDLE_MS = 3 * 60_000;

if (place !== null) {
  let until = Date.now() + Number(place.dataset.left);
  let active = Date.now();
  for (const kind of ["keydown", "pointermove", "scroll", "pointerdown"]) {
    document.addEventListener(kind, () => (active = Date.now()), { passive: true });
  }

  const show = () => {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    const seconds = String(left % 60).padStart(2, "0");
    const time = `${Math.floor(left / 60)}:${seconds}`;
    place.textContent = left > 0 ? place.dataset.held.replace("{time}", time) : place.dataset.lost;
    place.classList.toggle("hold", left < 120);
  };

  const beat = async () => {
    if (document.hidden || Date.now() - active > IDLE_MS) return;
    const body = new URLSearchParams({ csrf: place.dataset.csrf });
    try {
      const answer = await fetch(place.dataset.lease, { method: "POST", body });
      const said = await answer.json();
      until = said.held ? Date.now() + said.left_ms : Date.now();
    } catch {
      // Network error: the countdown continues and the next renewal tries again.
    }
    show();
  };

  show();
  setInterval(show, 1_000);
  setInterval(beat, BEAT_MS);
}

// Shows the text of the chosen policy, beside those of the case; asks about the case's other policies.
const choice = document.querySelector("select[name=policy]");
const follow = () => {
  for (const words of document.querySelectorAll("[data-policy]:not([data-found])")) {
    words.hidden = words.dataset.policy !== choice.value;
  }
  for (const row of document.querySelectorAll("[data-judge]")) row.hidden = row.dataset.judge === choice.value;
};
choice?.addEventListener("change", follow);
if (choice !== null) follow();
