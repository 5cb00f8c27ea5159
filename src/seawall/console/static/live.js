// Counts in the menu, and "3 new cases" above a list: nothing moves until the reader asks for it.
// A hidden page does not listen, because browsers keep few connections to one server.

const news = document.querySelector("[data-live]");
const address = (() => {
  const query = new URLSearchParams(news?.dataset.query ?? "");
  if (news !== null) {
    query.set("page", news.dataset.live);
    query.set("since", news.dataset.since);
  }
  return `/live?${query}`;
})();

let source = null;
let failures = 0;
let timer = null;
let shown = 0;

function tell({ menu, new: count, more }) {
  for (const place of document.querySelectorAll("[data-live-count]")) {
    place.textContent = menu[place.dataset.liveCount] ? String(menu[place.dataset.liveCount]) : "";
  }
  if (news === null || count === shown) return;
  shown = count;
  news.replaceChildren();
  if (count === 0) return;
  const button = document.createElement("button");
  const key = document.createElement("kbd");
  key.textContent = "u";
  button.type = "button";
  button.className = "button main";
  button.dataset.key = "u";
  const what = count === 1 ? news.dataset.one : news.dataset.many;
  const words = more ? news.dataset.more : news.dataset.some;
  button.append(words.replace("{count}", () => count).replace("{what}", () => what), " ", key);
  button.addEventListener("click", () => location.reload());
  news.append(button);
}

function stop() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function listen() {
  stop();
  if (document.hidden) return;
  source = new EventSource(address);
  source.addEventListener("counts", (event) => {
    failures = 0;
    tell(JSON.parse(event.data));
  });
  source.addEventListener("ended", stop); // signed out, or open too often: a reload says which
  source.addEventListener("error", () => {
    stop(); // waits longer each time, and not all pages at the same moment
    failures += 1;
    timer = setTimeout(listen, Math.min(60_000, 1_000 * 2 ** failures) * (0.5 + Math.random()));
  });
}

document.addEventListener("visibilitychange", listen);
addEventListener("pagehide", stop);
addEventListener("pageshow", (event) => event.persisted && listen());
listen();
