// The overview's plot: decisions by minute, stacked by verdict. Colours come from the style sheet.

const place = document.querySelector("#traffic");
const ORDER = ["allow", "hold", "block"]; // drawn from the top of the stack down

// A canvas wants a colour, not a custom property that may differ between light and dark.
function colour(name) {
  const probe = document.createElement("i");
  probe.hidden = true;
  place.append(probe);
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 5);

// Each series holds its own verdict and all those below it, so that the bars stack.
function stack({ names, columns }) {
  const [minutes, ...counts] = columns;
  const of = (name) => counts[names.indexOf(name)];
  const sum = (...lists) => minutes.map((_, at) => lists.reduce((total, list) => total + list[at], 0));
  return [minutes, sum(of("allow"), of("hold"), of("block")), sum(of("hold"), of("block")), of("block")];
}

function options() {
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width: place.clientWidth - 16,
    height: 208,
    cursor: { points: { show: false } },
    legend: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(5, most * 1.1)] } },
    axes: [{ ...axis, size: 26, grid: { show: false }, values: (_, times) => times.map(clock) }, { ...axis, size: 44 }],
    series: [
      {},
      ...ORDER.map((name) => ({
        label: name,
        stroke: colour(`plot-${name}`),
        fill: colour(`plot-${name}`),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.78, 24] }),
      })),
    ],
  };
}

if (place !== null) {
  let plot = null;

  const draw = (data) => {
    plot?.destroy();
    place.replaceChildren();
    plot = new uPlot(options(), stack(data), place);
  };

  const load = async (redraw) => {
    try {
      const answer = await fetch(place.dataset.from);
      if (!answer.ok) return;
      const data = await answer.json();
      if (plot === null || redraw) draw(data);
      else plot.setData(stack(data));
    } catch {
      // The server did not answer: the plot stays as it is.
    }
  };

  load(true);
  setInterval(() => document.hidden || load(false), 5_000);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => load(true));
  new ResizeObserver(() => plot?.setSize({ width: place.clientWidth - 16, height: 208 })).observe(place);
}
