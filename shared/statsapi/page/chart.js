// The chart of months: up to two years, ending with the last month that has orders; months without orders are gaps.

const chartMonths = 24;

function svg(tag, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// niceStep is 1, 2 or 5 times a power of ten, so that about three steps reach max.
function niceStep(max) {
  const power = 10 ** Math.floor(Math.log10(max / 3));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => max / step <= 4);
}

function drawChart(target, readout, months, measure) {
  const known = new Map(Object.entries(months).map(([name, m]) => [monthNumber(name), m]));
  if (known.size === 0) {
    target.replaceChildren(element("p", { className: "empty" }, "No orders yet. The first one will show here."));
    readout.replaceChildren("\u00a0");
    return;
  }
  const numbers = [...known.keys()].sort((a, b) => a - b);
  const last = numbers.at(-1), first = Math.max(numbers[0], last - chartMonths + 1);
  const shown = Math.max(last - first + 1, 6);
  const value = (number) => (known.has(number) ? Number(known.get(number)[measure]) : 0);
  const left = 56, bottom = 40, top = 8, width = target.clientWidth, height = target.clientHeight;
  const columnWidth = (width - left) / shown, floor = height - bottom;
  const columns = Array.from({ length: shown }, (_, i) => last - shown + 1 + i);
  const max = Math.max(...columns.map(value)), step = measure === "orders" ? Math.max(1, niceStep(max)) : niceStep(max);
  const scale = (floor - top) / (Math.ceil(max / step) * step);

  const tell = (number) => {
    const m = known.get(number);
    const text = m ? ` · ${whole.format(m.orders)} ${m.orders === 1 ? "order" : "orders"} · ${twoDecimals.format(m.revenue)}` : " · no orders";
    readout.replaceChildren(element("b", {}, monthTitle(number)), text);
  };

  const grid = [];
  for (let v = 0; v <= max + step * 0.999; v += step) {
    const y = floor - v * scale;
    grid.push(svg("line", { x1: left, x2: width, y1: y, y2: y }));
    grid.push(svg("text", { x: left - 10, y: y + 4, "text-anchor": "end" }, compact.format(v)));
  }
  const every = Math.ceil(34 / columnWidth);
  const bars = columns.map((number, i) => {
    const x = left + i * columnWidth, barHeight = value(number) > 0 ? Math.max(2, value(number) * scale) : 0;
    const barWidth = Math.min(36, columnWidth * 0.68);
    const column = svg("g", { class: "column" },
      svg("rect", { class: "hit", x, y: 0, width: columnWidth, height }),
      svg("rect", { class: "bar", x: x + (columnWidth - barWidth) / 2, y: floor - barHeight, width: barWidth, height: barHeight, rx: Math.min(3, barWidth / 4) }));
    if ((shown - 1 - i) % every === 0) {
      const end = i === shown - 1 && columnWidth < 30; // it would be cut off at the edge
      column.append(svg("text", { x: end ? width : x + columnWidth / 2, y: floor + 17, "text-anchor": end ? "end" : "middle" }, monthShort.format(monthDate(number))));
    }
    if (number % 12 === 0 || i === 0 && number % 12 < 10) {
      column.append(svg("text", { x: x + columnWidth / 2, y: floor + 34, "text-anchor": "middle" }, String(yearOf(number))));
    }
    column.addEventListener("pointerenter", () => tell(number));
    return column;
  });
  const best = columns.reduce((a, b) => (value(b) > value(a) ? b : a));
  const label = `${measure === "orders" ? "Orders" : "Revenue"} by month, ${monthTitle(columns[0])} to ${monthTitle(last)}. ` +
    `Highest: ${monthTitle(best)}. The table below has every value.`;
  const picture = svg("svg", { role: "img", "aria-label": label }, ...grid, ...bars);
  picture.addEventListener("pointerleave", () => tell(last));
  target.replaceChildren(picture);
  tell(last);
}

function fillMonths(body, months) {
  const rows = Object.entries(months).sort(([a], [b]) => monthNumber(b) - monthNumber(a)).map(([name, m]) => element("tr", {},
    element("td", {}, name),
    element("td", { className: "number" }, whole.format(m.orders)),
    element("td", { className: "number" }, twoDecimals.format(m.revenue))));
  body.replaceChildren(...rows);
}
