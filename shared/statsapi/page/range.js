// The time axis: which periods (days, months or years) a choice shows, and what lies outside.
// A period is a whole number: days since 1970, months since year 0, or the year.

const dayMs = 86_400_000;
const mostDays = 400;
const mostMonths = 60;
const autoMonths = 24;
const autoShare = 0.1;
const utc = (options) => new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" });
const monthLong = utc({ month: "long" });
const monthShort = utc({ month: "short" });
const dayLong = utc({ dateStyle: "full" });
const dayPlain = utc({ dateStyle: "long" });
const pad = (n, size = 2) => String(n).padStart(size, "0");

const monthDate = (n) => new Date(Date.UTC(2000, n % 12, 1));
const yearOf = (month) => Math.floor(month / 12);
const monthNumber = (name) => Number(name.slice(0, 4)) * 12 + Number(name.slice(5, 7)) - 1;
const monthName = (n) => `${pad(yearOf(n), 4)}-${pad((n % 12) + 1)}`;
const monthTitle = (n) => `${monthLong.format(monthDate(n))} ${yearOf(n)}`;
const dayNumber = (name) => Math.round(Date.parse(`${name}T00:00:00Z`) / dayMs);
const dayName = (n) => new Date(n * dayMs).toISOString().slice(0, 10);
const monthOfDay = (n) => monthNumber(dayName(n));
const firstDay = (month) => dayNumber(`${monthName(month)}-01`);

const unitsOfTime = {
  day: { column: "Day", name: dayName, title: (n) => dayLong.format(n * dayMs) },
  month: { column: "Month", name: monthName, title: monthTitle },
  year: { column: "Year", name: String, title: String },
};

const monthForm = /^(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])$/;
const dayForm = /^(19[7-9]\d|[2-9]\d{3})-(0[1-9]|1[0-2])-\d\d$/;
const isDay = (text) =>
  dayForm.test(text) && !Number.isNaN(dayNumber(text)) && dayName(dayNumber(text)) === text;

// today is the date in the deployment's time zone.
function todayIn(zone, time) {
  const format = (timeZone) =>
    new Intl.DateTimeFormat("en-CA", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    }).format(new Date(time));
  try {
    return format(zone);
  } catch {
    return format("UTC"); // this browser does not know the zone
  }
}

// readPeriods makes a map of numbers out of an answer's object.
const readPeriods = (object, number) =>
  new Map(Object.entries(object ?? {}).map(([name, p]) => [number(name), p]));

const ofMonths = (first, last) =>
  last - first >= mostMonths
    ? { unit: "year", first: yearOf(first), last: yearOf(last), firstMonth: first, lastMonth: last }
    : { unit: "month", first, last };

// firstDayOf is the first day of the month that is some months later; NaN when text is no month.
const firstDayOf = (text, later) =>
  monthForm.test(text) ? firstDay(monthNumber(text) + later) : NaN;

// customRange reads "from..to", each a month or a day; null when it is no range.
function customRange(text) {
  const [from, to, more] = text.split("..");
  if (to === undefined || more !== undefined) return null;
  if (monthForm.test(from) && monthForm.test(to)) {
    return from <= to ? ofMonths(monthNumber(from), monthNumber(to)) : null;
  }
  const first = isDay(from) ? dayNumber(from) : firstDayOf(from, 0);
  const last = isDay(to) ? dayNumber(to) : firstDayOf(to, 1) - 1;
  if (!(first <= last)) return null;
  return last - first < mostDays
    ? { unit: "day", first, last }
    : ofMonths(monthOfDay(first), monthOfDay(last));
}

// autoRange shows the data: the latest 24 months that hold at least a tenth of all orders. Orders
// that are dated in the future do not move it, unless there are no others.
function autoRange(months, now) {
  const numbers = [...months.keys()].sort((a, b) => a - b);
  if (numbers.length === 0) return { unit: "month", first: now - 11, last: now };
  const past = numbers.filter((n) => n <= now);
  const known = past.length > 0 ? past : numbers;
  const orders = (some) => some.reduce((sum, n) => sum + months.get(n).orders, 0);
  const enough = orders(known) * autoShare;
  const inWindow = (end) => known.filter((n) => n <= end && n > end - autoMonths);
  const last = known.findLast((end) => orders(inWindow(end)) >= enough) ?? known.at(-1);
  return { unit: "month", first: Math.min(inWindow(last)[0], last - 5), last };
}

// resolve turns a choice into a range.
function resolve(choice, months, today) {
  const day = dayNumber(today);
  const month = monthNumber(today);
  const numbers = [...months.keys()].sort((a, b) => a - b);
  switch (choice) {
    case "30d":
      return { unit: "day", first: day - 29, last: day };
    case "12m":
      return { unit: "month", first: month - 11, last: month };
    case "24m":
      return { unit: "month", first: month - 23, last: month };
    case "all":
      return numbers.length === 0
        ? autoRange(months, month)
        : ofMonths(Math.min(numbers[0], numbers.at(-1) - 5), numbers.at(-1));
    default:
      return customRange(choice) ?? autoRange(months, month);
  }
}

// seriesOf collects the values of a range: every period that has orders.
function seriesOf(range, months, days) {
  if (range.unit === "day") return { ...range, values: days ?? new Map(), loading: days === null };
  if (range.unit === "month") {
    return {
      ...range,
      values: new Map([...months].filter(([n]) => n >= range.first && n <= range.last)),
    };
  }
  const values = new Map();
  for (const [n, p] of months) {
    if (n < range.firstMonth || n > range.lastMonth) continue;
    const sum = values.get(yearOf(n)) ?? { orders: 0, revenue: "0.00" };
    values.set(yearOf(n), {
      orders: sum.orders + p.orders,
      revenue: addMoney(sum.revenue, p.revenue),
    });
  }
  return { ...range, values };
}

function total(values) {
  let orders = 0;
  let revenue = "0.00";
  for (const p of values) {
    orders += p.orders;
    revenue = addMoney(revenue, p.revenue);
  }
  return { orders, revenue };
}

const rangeTitle = ({ unit, first, last }) => {
  let { title } = unitsOfTime[unit];
  if (unit === "day") {
    const month = monthOfDay(first);
    if (first === firstDay(month) && last === firstDay(month + 1) - 1) return monthTitle(month);
    if (first !== last) title = (n) => dayPlain.format(n * dayMs);
  }
  return first === last ? title(first) : `${title(first)} – ${title(last)}`;
};

// outsideText says how many orders a range leaves out, and when they are dated; empty for none.
function outsideText(series, months) {
  const left = total(months.values()).orders - total(series.values.values()).orders;
  if (left <= 0 || series.loading) return "";
  const bounds = {
    day: () => [monthOfDay(series.first), monthOfDay(series.last)],
    month: () => [series.first, series.last],
    year: () => [series.firstMonth, series.lastMonth],
  }[series.unit]();
  const far = [...months.keys()]
    .filter((n) => n < bounds[0] || n > bounds[1])
    .sort((a, b) => a - b);
  const text = `${ordersText(left)} ${left === 1 ? "lies" : "lie"} outside this range`;
  if (far.length === 0) {
    return `${text}, in the same ${bounds[0] === bounds[1] ? "month" : "months"}.`;
  }
  if (far.length <= 3) {
    const each = far.map((n) => `${whole.format(months.get(n).orders)} in ${monthTitle(n)}`);
    return `${text}: ${each.join(", ")}.`;
  }
  const span = `from ${monthTitle(far[0])} to ${monthTitle(far.at(-1))}`;
  return `${text}, in ${far.length} months ${span}.`;
}
