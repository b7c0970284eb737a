// Numbers for people. Money arrives as a JSON number with two decimals and is kept as text, so that
// no digit is lost.

const whole = new Intl.NumberFormat();
const twoDecimals = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const compact = new Intl.NumberFormat(undefined, {
  notation: "compact",
  maximumSignificantDigits: 4,
});
const oneDecimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const moneyFields = new Set(["total_revenue", "total_spend", "revenue"]);

// From this many units on, a large figure is shortened, and the exact one is shown on hover and
// read out.
const shortenFrom = 10_000_000;

function parse(text) {
  return JSON.parse(text, (key, value, context) =>
    moneyFields.has(key) && typeof value === "number"
      ? (context?.source ?? value.toFixed(2))
      : value,
  );
}

const cents = (amount) => BigInt(amount.replace(".", ""));
const addMoney = (a, b) => {
  const sum = String(cents(a) + cents(b)).padStart(3, "0");
  return `${sum.slice(0, -2)}.${sum.slice(-2)}`;
};
const units = (amount) => Number(amount);

const countText = (n) => ({
  exact: whole.format(n),
  short: n >= shortenFrom ? compact.format(n) : whole.format(n),
});
const moneyText = (amount) => {
  const exact = twoDecimals.format(amount);
  return { exact, short: units(amount) >= shortenFrom ? compact.format(units(amount)) : exact };
};

// inBrief is for narrow columns.
const inBrief = (n) => ({
  exact: whole.format(n),
  short: n >= 100_000 ? compact.format(n) : whole.format(n),
});

// inFull is for lists, where there is room for every digit.
const inFull = ({ exact }) => ({ exact, short: exact });

// average divides cents, rounding half up.
function average(amount, count) {
  if (count === 0) return "0.00";
  const n = BigInt(count);
  const rounded = (2n * cents(amount) + n) / (2n * n);
  return `${rounded / 100n}.${String(rounded % 100n).padStart(2, "0")}`;
}

function element(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  Object.assign(e, properties);
  e.append(...children);
  return e;
}

// figure puts a number into an element: short to see, exact on hover and for a screen reader.
function figure(target, { exact, short }) {
  if (target.dataset.exact === exact) return;
  target.dataset.exact = exact;
  target.title = exact;
  target.style.setProperty("--chars", short.length);
  if (short === exact) {
    target.replaceChildren(exact);
    return;
  }
  const seen = element("span", {}, short);
  seen.setAttribute("aria-hidden", "true");
  target.replaceChildren(seen, element("span", { className: "unseen" }, exact));
}

const ordersText = (n) => `${whole.format(n)} ${n === 1 ? "order" : "orders"}`;

// command shows a command line with a button that copies it.
function command(line) {
  const copy = element("button", { type: "button" }, "Copy");
  copy.setAttribute("aria-label", `Copy ${line}`);
  const code = element("code", {}, line);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line);
      copy.textContent = "Copied";
    } catch {
      // not a secure context: the text is selected, ready for the keyboard
      getSelection().selectAllChildren(code);
      copy.textContent = "Selected";
    }
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 2_000);
  });
  return element("div", { className: "command" }, code, copy);
}
