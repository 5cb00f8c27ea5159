// Tells the server which veils were lifted, and how long each medium and the page's words were in sight.

const place = document.querySelector("[data-exposure]");
const MEDIA = new Set(["image", "audio", "video"]);
const IDLE_MS = 3 * 60_000; // without a key, a move or a player that plays, nobody is looking

if (place !== null) {
  const inSight = new Map(); // part and modality → milliseconds
  let active = performance.now();
  let counted = performance.now();
  for (const kind of ["keydown", "pointermove", "scroll", "pointerdown"]) {
    document.addEventListener(kind, () => (active = performance.now()), { passive: true });
  }

  const count = () => {
    const now = performance.now();
    const plays = [...place.querySelectorAll("audio, video")].some((player) => !player.paused);
    if (!document.hidden && (plays || now - active < IDLE_MS)) {
      for (const one of inSight.values()) one.ms += now - counted;
    }
    counted = now;
  };

  const comes = ({ part, modality }) => {
    const key = MEDIA.has(modality) ? `${part} ${modality}` : "words"; // all words of a page are one sight
    count();
    if (!inSight.has(key)) inSight.set(key, { part, modality, ms: 0 });
  };

  const said = (part, modality, more = {}) =>
    new URLSearchParams({
      csrf: place.dataset.csrf,
      item: place.dataset.item,
      revision: place.dataset.revision,
      part,
      modality,
      ...more,
    });

  place.addEventListener("unveiled", (event) => {
    const { part, modality } = event.target.dataset;
    if (part === undefined) return;
    fetch(place.dataset.exposure, { method: "POST", body: said(part, modality), keepalive: true }).catch(() => {});
    comes(event.target.dataset);
  });

  for (const open of place.querySelectorAll("[data-part]:not([data-veiled])")) comes(open.dataset);
  document.addEventListener("visibilitychange", count);
  setInterval(count, 1_000);

  addEventListener("pagehide", () => {
    count();
    for (const { part, modality, ms } of inSight.values()) {
      if (ms >= 1_000) navigator.sendBeacon(place.dataset.exposure, said(part, modality, { seconds: (ms / 1000).toFixed(1) }));
    }
    inSight.clear();
  });
}
