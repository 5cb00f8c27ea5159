// Boxes over a video: shown while it is paused at a frame with findings, hidden when it plays or seeks elsewhere.

const NEAR = 0.02; // seconds: less than a frame lasts

export class Outlines {
  #player;
  #frames;
  #at = null; // the time in seconds that was asked for, as the page writes it

  // `over` lies over the whole player; it has a child for each frame in which something was found.
  constructor(player, over) {
    this.#player = player;
    this.#frames = [...over.querySelectorAll("[data-at]")];
    const fit = () => {
      if (player.videoWidth > 0) over.setAttribute("viewBox", `0 0 ${player.videoWidth} ${player.videoHeight}`);
    };
    fit();
    player.addEventListener("loadedmetadata", fit);
    player.addEventListener("resize", fit);
    player.addEventListener("seeked", () => this.#show());
    for (const kind of ["play", "seeking"]) player.addEventListener(kind, () => this.#leave());
  }

  // The player seeks to `seconds`. At a frame with findings it pauses, so that the boxes can be shown.
  stopAt(seconds) {
    this.#at = this.#frames.some((frame) => Number(frame.dataset.at) === seconds) ? seconds : null;
    if (this.#at !== null) this.#player.pause();
    this.#show();
  }

  #leave() {
    if (!this.#player.paused || !this.#isThere()) this.#at = null;
    this.#show();
  }

  #isThere() {
    return this.#at !== null && Math.abs(this.#player.currentTime - this.#at) < NEAR;
  }

  #show() {
    const stands = this.#isThere() && this.#player.paused && !this.#player.seeking;
    for (const frame of this.#frames) {
      frame.classList.toggle("shown", stands && Number(frame.dataset.at) === this.#at);
    }
  }
}
