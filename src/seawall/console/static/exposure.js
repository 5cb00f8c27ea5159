// Tells the server which veils were lifted, and how long a medium was in sight until the page was left.

const place = document.querySelector("[data-exposure]");
const MEDIA = new Set(["image", "audio", "video"]);

if (place !== null) {
  const inSight = new Map(); // part and modality → when it came into sight, or null while the page is hidden; and the time before

  const said = (part, modality, more = {}) =>
    new URLSearchParams({
      csrf: place.dataset.csrf,
      item: place.dataset.item,
      revision: place.dataset.revision,
      part,
      modality,
      ...more,
    });

  const comes = ({ part, modality }) => {
    const key = `${part} ${modality}`;
    if (MEDIA.has(modality) && !inSight.has(key)) {
      inSight.set(key, { part, modality, since: document.hidden ? null : performance.now(), ms: 0 });
    }
  };

  const pause = (one) => {
    if (one.since !== null) one.ms += performance.now() - one.since;
    one.since = null;
  };

  place.addEventListener("unveiled", (event) => {
    const { part, modality } = event.target.dataset;
    if (part === undefined) return;
    fetch(place.dataset.exposure, { method: "POST", body: said(part, modality), keepalive: true }).catch(() => {});
    comes(event.target.dataset);
  });

  for (const open of place.querySelectorAll("[data-part]:not([data-veiled])")) comes(open.dataset);

  document.addEventListener("visibilitychange", () => {
    for (const one of inSight.values()) {
      if (document.hidden) pause(one);
      else one.since ??= performance.now();
    }
  });

  addEventListener("pagehide", () => {
    for (const one of inSight.values()) {
      pause(one);
      const seconds = (one.ms / 1000).toFixed(1);
      navigator.sendBeacon(place.dataset.exposure, said(one.part, one.modality, { seconds }));
    }
    inSight.clear();
  });
}
