// Blurs the faces in the page's images on demand, and remembers it for the person. Faces are found by the server.

const places = [...document.querySelectorAll("[data-faces]")];
const imageOf = (place) => place.previousElementSibling.querySelector("img");

const say = async (place) => {
  const { faces, none, some, failed } = place.dataset;
  const status = place.querySelector("[role=status]");
  try {
    const answer = await fetch(`${faces}?faces=count`);
    const found = answer.ok ? (await answer.json()).faces : null;
    status.textContent = found === null ? failed : found === 0 ? none : some.replace("{count}", found);
  } catch {
    status.textContent = failed;
  }
};

const show = (place, blurred) => {
  const image = imageOf(place);
  const address = place.dataset.faces + (blurred ? "?faces=blurred" : "");
  if (image.dataset.src === undefined) image.src = address;
  else image.dataset.src = address; // not asked for yet
  place.toggleAttribute("data-blurred", blurred);
  place.querySelector("[role=status]").textContent = "";
};

for (const place of places) {
  const image = imageOf(place);
  const loaded = () => place.hasAttribute("data-blurred") && say(place);
  image.addEventListener("load", loaded);
  image.addEventListener("error", loaded);
  if (image.complete && image.src) loaded();
  place.querySelector("button").addEventListener("click", () => {
    const blurred = !place.hasAttribute("data-blurred");
    for (const one of places) show(one, blurred);
    const body = new URLSearchParams({ csrf: place.dataset.csrf, blur: blurred ? "yes" : "no" });
    fetch("/account/faces", { method: "POST", body, keepalive: true }).catch(() => {});
  });
}
