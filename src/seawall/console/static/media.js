// Players: marks seek to their time, the timeline shows the current position, boxes are linked to their text.

import { Outlines } from "./outlines.js";

const outlined = new WeakMap(); // player → the boxes that are laid over it

for (const frame of document.querySelectorAll("[data-media]")) {
  const player = frame.querySelector("audio, video");
  const line = frame.querySelector("[data-timeline]");
  if (player === null || line === null) continue;
  const head = line.querySelector(".head");
  const buttons = [...frame.querySelectorAll("button[data-seek]")];
  const over = frame.querySelector("[data-over]");
  if (over !== null) outlined.set(player, new Outlines(player, over));

  const length = () => (Number.isFinite(player.duration) ? player.duration : Number(line.dataset.length));

  const show = () => {
    const at = player.currentTime;
    head.setAttribute("x1", at);
    head.setAttribute("x2", at);
    for (const button of buttons) {
      const inside = at >= Number(button.dataset.seek) && at < Number(button.dataset.until);
      button.toggleAttribute("aria-current", inside);
    }
  };

  player.addEventListener("loadedmetadata", () => {
    line.setAttribute("viewBox", `0 0 ${length()} 10`);
    show();
  });
  player.addEventListener("timeupdate", show);
  player.addEventListener("seeked", show);

  line.addEventListener("click", (event) => {
    const box = line.getBoundingClientRect();
    const mark = event.target.closest("[data-seek]");
    seek(player, mark === null ? ((event.clientX - box.left) / box.width) * length() : Number(mark.dataset.seek));
  });
}

const JUST_AFTER = 0.001; // seconds: times are rounded to thousandths, and just before a cut there is another frame

function seek(player, seconds) {
  if (player.closest("[inert]") !== null) return; // still blurred
  const go = () => {
    player.currentTime = seconds + JUST_AFTER;
    outlined.get(player)?.stopAt(seconds);
  };
  if (player.readyState > 0) go();
  else {
    player.addEventListener("loadedmetadata", go, { once: true });
    player.preload = "metadata";
    player.load();
  }
}

// Buttons outside the player's frame scroll to it and seek.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-seek]");
  if (button === null) return;
  const frame = button.closest("[data-media]") ?? document.querySelector(`[data-media="${CSS.escape(button.dataset.for)}"]`);
  const player = frame?.querySelector("audio, video");
  if (!player) return;
  seek(player, Number(button.dataset.seek));
  if (button.closest("[data-media]") === null) frame.scrollIntoView({ block: "center" });
});

// Loads media after the reader has unblurred them.
document.addEventListener("click", (event) => {
  const player = event.target.closest("[data-unveil]")?.closest(".veil")?.querySelector("audio, video");
  if (player) {
    player.preload = "metadata";
    player.load();
  }
});

const point = (event, on) => {
  const words = event.target.closest?.("[data-box]");
  if (!words) return;
  const box = words.closest("[data-media]")?.querySelector(`rect[data-number="${CSS.escape(words.dataset.box)}"]`);
  box?.classList.toggle("pointed", on);
};
for (const [kind, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(kind, (event) => point(event, on));
}
