// The cards: totals, time, top customers, messages, queues, one customer.

function showTotals({ totals, today }) {
  figure($("orders"), countText(totals.total_orders));
  figure($("revenue"), moneyText(totals.total_revenue));
  figure($("average"), moneyText(average(totals.total_revenue, totals.total_orders)));
  if (!today) return;
  $("today").textContent = `${whole.format(today.orders)} today`;
  $("today-revenue").textContent = `${twoDecimals.format(today.revenue)} today`;
}

function showTime() {
  if (!state.figures || state.today === null) return;
  $("zone").textContent = `Days and months in ${state.zone}`;
  if (state.figures.totals.total_orders === 0) {
    $("readout").textContent = "\u00a0";
    $("outside").hidden = $("table").hidden = true;
    if (!$("chart").querySelector(".command")) {
      delete $("chart").dataset.drawn;
      $("chart").replaceChildren(element("div", { className: "empty" }, element("p", {}, "No orders yet. Send the first one:"), command("bin/orderctl send --user U1 --item P001:2:20.00 --wait")));
    }
    return;
  }

  const all = months(), range = currentRange(), wanted = overviewPath().match(/start=.*$/)?.[0];
  const days = wanted && wanted === state.daysOf ? readPeriods(state.days, dayNumber) : null;
  const series = seriesOf(range, all, days), outside = outsideText(series, all);
  const chart = $("chart"), drawn = JSON.stringify([range, choice.measure, [...series.values], series.loading, chart.clientWidth, chart.clientHeight]);
  if (chart.dataset.drawn === drawn) return;
  chart.dataset.drawn = drawn;
  drawChart(chart, $("readout"), series, choice.measure, openPeriod);
  if (range.unit === "day") {
    const back = element("button", { type: "button", className: "link" }, "‹ Months");
    back.addEventListener("click", () => choose({ range: "auto" }, true));
    $("readout").prepend(back, " \u00a0 ");
  }

  $("outside").hidden = outside === "";
  $("outside").classList.toggle("warn", choice.range === "auto");
  if (outside && $("outside").dataset.text !== outside) {
    const showAll = element("button", { type: "button", className: "link" }, "Show all");
    showAll.addEventListener("click", () => choose({ range: "all" }, true));
    $("outside").replaceChildren(`${outside} `, showAll);
    $("outside").dataset.text = outside;
  }
  $("table").hidden = series.values.size === 0;
  $("period-name").textContent = unitsOfTime[range.unit].column;
  fillTable($("table").querySelector("tbody"), series, openPeriod);
}

// openPeriod leads from a year to its months, and from a month to its days.
function openPeriod(unit, n) {
  const range = unit === "year" ? `${pad(n, 4)}-01..${pad(n, 4)}-12` : `${dayName(firstDay(n))}..${dayName(firstDay(n + 1) - 1)}`;
  choose({ range }, true);
}

function showTop(top) {
  const most = top.length > 0 ? Math.max(units(top[0].total_spend), 0.01) : 1;
  const body = $("top").querySelector("tbody");
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  body.replaceChildren(...top.map((customer, i) => {
    const name = element("button", { type: "button", className: "name", title: customer.user_id }, element("bdi", {}, customer.user_id));
    name.dataset.id = customer.user_id;
    const bar = element("i"), spend = element("span");
    bar.style.width = `max(2px, ${100 * units(customer.total_spend) / most}%)`;
    figure(spend, inFull(moneyText(customer.total_spend)));
    return element("tr", {},
      element("td", { className: "rank" }, String(i + 1)),
      element("td", {}, name),
      element("td", { className: "number" }, spend, element("span", { className: "meter" }, bar)));
  }));
  if (focused !== null) [...body.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus();
  $("top").hidden = top.length === 0;
  $("top-empty").hidden = top.length > 0;
  $("top-empty").textContent = "No customer has an order yet.";
}

function showMessages(m) {
  const reasons = Object.entries(m.refused).filter(([, n]) => n > 0).sort(([, a], [, b]) => b - a);
  const refused = reasons.reduce((sum, [, n]) => sum + n, 0), all = m.recorded + m.duplicate + refused;
  for (const [id, n] of Object.entries({ recorded: m.recorded, duplicate: m.duplicate, refused, mismatch: m.mismatch, failed: m.failed })) {
    figure($(id), countText(n));
  }
  $("received").textContent = all === 0 ? "none yet" : `${countText(all).short} in all`;
  for (const [name, n] of Object.entries({ recorded: m.recorded, duplicate: m.duplicate, refused })) {
    const segment = $("share").querySelector(`.${name}`);
    segment.style.flexGrow = n;
    segment.hidden = n === 0;
  }
  showReasons(reasons);
}

// showReasons keeps what is open while the counts change.
function showReasons(reasons) {
  const list = $("reasons"), codes = reasons.map(([code]) => code).join();
  list.hidden = reasons.length === 0;
  if (list.dataset.codes !== codes) {
    list.dataset.codes = codes;
    list.replaceChildren(...reasons.map(([code]) => element("li", {}, element("details", {},
      element("summary", {}, element("span", {}, `${reasonNames[code] ?? "Refused"} `, element("code", {}, code)), element("span", { className: "count" })),
      command(`bin/orderctl rejected list --reason ${code}`)))));
  }
  for (const [i, count] of [...list.querySelectorAll(".count")].entries()) figure(count, countText(reasons[i][1]));
}

function showQueues() {
  const orders = ordersQueue(), stalled = health().word === "Waiting" || !state.redisUp;
  if (state.lastSuccess !== null) figure($("waiting"), orders ? countText(held(orders)) : { exact: "unknown", short: "–" });
  $("waiting-split").textContent = !orders ? "" : held(orders) === 0 ? "queue empty"
    : `${inBrief(orders.visible + orders.delayed).short} waiting, ${inBrief(orders.in_flight).short} ${stalled ? "for their next attempt" : "in flight"}`;
  $("queues").hidden = state.queues.length === 0;
  $("queues-empty").hidden = state.queues.length > 0;
  if (state.lastSuccess !== null || state.failure) $("queues-empty").textContent = "The depth of the queues is unknown right now.";
  const notes = (q) => (held(q) === 0 ? "" : q.queue.endsWith("-replay-dlq") ? "replays that failed" : q.queue.endsWith("-dlq") ? "failed at every attempt"
    : q.queue.endsWith("-rejected") ? "refused, with their reasons" : q === orders && stalled && q.in_flight > 0 ? `tried again ${nextAttempt}` : "");
  $("queues").querySelector("tbody").replaceChildren(...state.queues.map((q) => {
    const note = notes(q), name = element("td", {}, element("bdi", {}, q.queue));
    if (note) name.append(element("small", {}, note));
    const count = (n, due) => {
      const cell = element("td", { className: due ? "number due" : "number" });
      figure(cell, inBrief(n));
      return cell;
    };
    return element("tr", {}, name, count(q.visible + q.delayed, note && q !== orders), count(q.in_flight, note && q === orders));
  }));
}

const isCustomer = (id) => id !== "" && [...id].length <= 128 && !/[\p{Cc}\p{Cs}]/u.test(id);

function showCustomer() {
  const target = $("customer"), { user: id } = choice;
  if (id === "") return;
  const answered = state.userOf === id, user = answered ? state.figures?.user : undefined;
  const key = JSON.stringify([id, user, answered, state.redisUp]);
  if (target.dataset.key === key) return;
  target.dataset.key = key;
  if (!user) {
    target.replaceChildren(answered ? element("p", { className: "note" }, element("bdi", {}, id), " has no orders.")
      : state.redisUp ? element("p", { className: "empty" }, "Looking up…")
        : element("p", { className: "note bad" }, "Customers cannot be looked up while Redis is away."));
    return;
  }
  const values = [["Orders", countText(user.order_count)], ["Spend", moneyText(user.total_spend)], ["Average order", moneyText(average(user.total_spend, user.order_count))]];
  target.replaceChildren(element("h3", {}, element("bdi", {}, id)), element("dl", { className: "rows" }, ...values.map(([name, text]) => {
    const value = element("dd");
    figure(value, inFull(text));
    return element("div", {}, element("dt", {}, name), value);
  })));
}

function lookUp(id) {
  if (!isCustomer(id)) {
    $("customer").dataset.key = "";
    $("customer").replaceChildren(element("p", { className: "note bad" }, "Not a valid customer id: it has 1 to 128 characters, and no control characters."));
    return;
  }
  choose({ user: id }, choice.user !== id);
}

$("lookup").addEventListener("submit", (event) => { event.preventDefault(); lookUp($("customer-id").value); });
$("top").addEventListener("click", (event) => {
  const name = event.target.closest("button.name");
  if (!name) return;
  $("customer-id").value = name.dataset.id;
  lookUp(name.dataset.id);
  $("customer-title").scrollIntoView({ block: "nearest" });
});
$("top-count").addEventListener("change", () => choose({ top: $("top-count").value }));
for (const radio of document.getElementsByName("measure")) radio.addEventListener("change", () => choose({ measure: radio.value }));
for (const radio of document.getElementsByName("range")) {
  radio.addEventListener("change", () => {
    if (radio.value !== "custom") { choose({ range: radio.value }, true); return; }
    const { unit, first, last, firstMonth = first, lastMonth = last } = currentRange(), name = unit === "day" ? dayName : monthName;
    choose({ range: `${name(firstMonth)}..${name(lastMonth)}` }, true);
    $("from").focus();
  });
}
$("custom").addEventListener("submit", (event) => {
  event.preventDefault();
  const range = `${$("from").value.trim()}..${$("to").value.trim()}`, valid = customRange(range) !== null;
  $("custom-note").classList.toggle("bad", !valid);
  $("custom-note").textContent = valid ? "months, or days such as 2024-05-01" : "Write months or days, 1970 to 9999, the first one first.";
  if (valid) choose({ range }, true);
});
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("api-key", $("key").value.trim());
  $("key").value = "";
  refresh();
});
$("pause").addEventListener("click", () => {
  state.paused = !state.paused;
  state.lastInput = Date.now();
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = state.paused ? "Resume" : "Pause";
  showHealth();
  if (state.paused) clearTimeout(state.timer);
  else refresh();
});
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("figures").focus(); }); // the fragment holds the choice
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) state.lastInput = Date.now();
  if (document.hidden || state.paused) schedule();
  else refresh();
});
addEventListener("popstate", readAddress); // also when only the fragment changes
new ResizeObserver(showTime).observe($("chart"));
setInterval(showHealth, 1_000);
readAddress();
