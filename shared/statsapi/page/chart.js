// The chart of orders or revenue over time, and the curve of orders per second.

function svg(tag, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// niceStep is 1, 2, 2.5 or 5 times a power of ten, so that three to five lines fit below max.
function niceStep(max, isWhole) {
  const power = 10 ** Math.floor(Math.log10(max / 3));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((s) => max / s < 5.5);
  return isWhole ? Math.max(1, Math.ceil(step)) : step;
}

const axis = { top: 18, bottom: 40, right: 2 };

function drawChart(target, readout, series, measure, open) {
  const { unit, first, last, values } = series;
  const { title } = unitsOfTime[unit];
  const sum = total(values.values());
  const tellAll = () =>
    readout.replaceChildren(element("b", {}, rangeTitle(series)), periodText(sum));
  tellAll();
  if (sum.orders === 0) {
    const text = series.loading ? "Loading the days…" : "No orders in this range.";
    target.replaceChildren(element("p", { className: "empty" }, text));
    return;
  }

  const value = (n) => (values.has(n) ? Number(values.get(n)[measure]) : 0);
  const width = target.clientWidth;
  const height = target.clientHeight;
  const floor = height - axis.bottom;
  const columns = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const max = Math.max(...columns.map(value), 0.01);
  const step = niceStep(max, measure === "orders");
  const lines = Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
  const labels = lines.map((v) => compact.format(v));
  const left = 12 + 7.2 * Math.max(...labels.map((text) => text.length));
  const columnWidth = (width - left - axis.right) / columns.length;
  const scale = (floor - axis.top) / max;

  const grid = lines.flatMap((v, i) => {
    const y = floor - v * scale;
    return [
      svg("line", { x1: left, x2: width, y1: y, y2: y }),
      svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, labels[i]),
    ];
  });
  const bars = columns.map((n, i) => {
    const opens = values.has(n) && unit !== "day";
    const x = left + i * columnWidth;
    const column = svg(
      "g",
      { class: opens ? "column opens" : "column" },
      ...columnShapes(value(n), x, columnWidth, floor, scale),
      ...axisLabels(series, i, x, columnWidth, width, floor),
    );
    column.addEventListener("pointerenter", () => {
      target.querySelector(".current")?.classList.remove("current");
      column.classList.add("current");
      const hint = opens ? ` · click for its ${unit === "year" ? "months" : "days"}` : "";
      readout.replaceChildren(element("b", {}, title(n)), periodText(values.get(n)), hint);
    });
    if (opens) column.addEventListener("click", () => open(unit, n));
    return column;
  });
  const best = columns.reduce((a, b) => (value(b) > value(a) ? b : a));
  const label =
    `${measure === "orders" ? "Orders" : "Revenue"} by ${unit}, ${rangeTitle(series)}. ` +
    `Highest: ${title(best)}. The table below has every value.`;
  const picture = svg(
    "svg",
    { role: "img", "aria-label": label, viewBox: `0 0 ${width} ${height}` },
    ...grid,
    ...bars,
  );
  picture.addEventListener("pointerleave", () => {
    target.querySelector(".current")?.classList.remove("current");
    tellAll();
  });
  target.replaceChildren(picture);
}

const periodText = (p) =>
  p ? ` · ${ordersText(p.orders)} · ${twoDecimals.format(p.revenue)}` : " · no orders";

// columnShapes are the area under the pointer, the bar, and the value above it where it has room.
function columnShapes(value, x, columnWidth, floor, scale) {
  const barWidth = Math.max(1, Math.min(40, columnWidth * 0.7));
  const barHeight = value > 0 ? Math.max(2, value * scale) : 0;
  const shapes = [
    svg("rect", { class: "hit", x, y: 0, width: columnWidth, height: floor, rx: 4 }),
    svg("rect", {
      class: "bar",
      x: x + (columnWidth - barWidth) / 2,
      y: floor - barHeight,
      width: barWidth,
      height: barHeight,
      rx: Math.min(3, barWidth / 4),
    }),
  ];
  const label = compact.format(value);
  if (barHeight > 0 && columnWidth > 8 + 6.6 * label.length) {
    const place = { x: x + columnWidth / 2, y: floor - barHeight - 5, "text-anchor": "middle" };
    shapes.push(svg("text", { class: "value", ...place }, label));
  }
  return shapes;
}

// axisLabels are the texts under one column: the period, and below it what it belongs to.
function axisLabels({ unit, first, last }, i, x, columnWidth, width, floor) {
  const n = first + i;
  const middle = x + columnWidth / 2;
  const texts = [];
  const every =
    unit === "month"
      ? ([1, 2, 3, 6, 12].find((m) => m * columnWidth >= 34) ?? 12)
      : Math.ceil(36 / columnWidth);
  const put = (y, text) => {
    const half = text.length * 3.6;
    const at = Math.min(middle, width - half);
    texts.push(svg("text", { x: at, y, "text-anchor": "middle" }, text));
  };
  const upper = {
    day: () => String(Number(dayName(n).slice(8))),
    month: () => monthShort.format(monthDate(n)),
    year: () => String(n),
  }[unit];
  if ((unit === "day" ? last - n : n) % every === 0) put(floor + 17, upper());

  const rest = (last - n + 1) * columnWidth; // room up to the right edge
  if (unit === "month" && (n % 12 === 0 || (i === 0 && (12 - (n % 12)) * columnWidth > 44))) {
    put(floor + 34, String(yearOf(n)));
  }
  if (unit === "day") {
    const isFirst = dayName(n).endsWith("-01");
    if (
      (isFirst && rest > 40) ||
      (i === 0 && (firstDay(monthOfDay(n) + 1) - n) * columnWidth > 80)
    ) {
      put(floor + 34, `${monthShort.format(n * dayMs)} ${yearOf(monthOfDay(n))}`);
    }
  }
  return texts;
}

function fillTable(body, series, open) {
  const { name } = unitsOfTime[series.unit];
  body.replaceChildren(
    ...[...series.values]
      .sort(([a], [b]) => b - a)
      .map(([n, p]) => {
        let label = name(n);
        if (series.unit !== "day") {
          label = element("button", { type: "button", className: "link" }, name(n));
          label.addEventListener("click", () => open(series.unit, n));
        }
        return element(
          "tr",
          {},
          element("td", {}, label),
          element("td", { className: "number" }, whole.format(p.orders)),
          element("td", { className: "number" }, twoDecimals.format(p.revenue)),
        );
      }),
  );
}

// Orders per second, from successive answers. The page keeps five minutes.
const rateWindow = 300_000;
const rateSpan = 8_000;
const samples = [];

function addSample(time, orders) {
  const latest = samples.at(-1);
  if (latest && (orders < latest.orders || time < latest.time)) {
    samples.length = 0; // another store or clock
  }
  if (samples.length === 0 || time - samples.at(-1).time >= 1_000) samples.push({ time, orders });
  while (samples.length > 2 && time - samples[1].time > rateWindow) samples.shift();
}

// rateAt is the rate that ends at sample i, over the last eight seconds.
function rateAt(i) {
  let from = i - 1;
  while (from > 0 && samples[i].time - samples[from].time < rateSpan) from--;
  return (
    (1_000 * (samples[i].orders - samples[from].orders)) / (samples[i].time - samples[from].time)
  );
}

const rateText = (r) => (r >= 10 ? whole.format(Math.round(r)) : oneDecimal.format(r));

function drawRate() {
  const known = samples.length > 1;
  const rate = known ? rateAt(samples.length - 1) : null;
  $("rate").textContent = rate === null ? "–" : rateText(rate);
  if (!known) {
    $("rate-span").textContent = "";
    $("curve").replaceChildren(
      svg(
        "svg",
        { viewBox: "0 0 100 64", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("line", { x1: 0, x2: 100, y1: 63, y2: 63 }),
      ),
    );
    return;
  }
  const rates = samples.map((_, i) => (i === 0 ? 0 : rateAt(i))).slice(1);
  const times = samples.slice(1).map((s) => s.time);
  const end = times.at(-1);
  const begin = Math.min(times[0], end - 60_000);
  const max = Math.max(...rates, 0.1);
  const points = rates.map((r, i) => {
    const x = (100 * (times[i] - begin)) / (end - begin);
    const y = 62 - (58 * r) / max;
    return `${x.toFixed(2)} ${y.toFixed(2)}`;
  });
  const start = points[0].split(" ")[0];
  const path = `M${points.join("L")}`;
  const seconds = Math.round((end - samples[0].time) / 1000);
  const span = seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  $("rate-span").textContent = `last ${span} · peak ${rateText(Math.max(...rates))}/s`;
  $("curve").replaceChildren(
    svg(
      "svg",
      {
        viewBox: "0 0 100 64",
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Orders per second over the last ${span}`,
      },
      svg("line", { x1: 0, x2: 100, y1: 63, y2: 63 }),
      svg("path", { class: "area", d: `${path}L100 63L${start} 63Z` }),
      svg("path", { class: "line", d: path }),
    ),
  );
}
