// The cards: totals, time, top customers, messages, queues. Then what the controls do.

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
      $("chart").replaceChildren(
        element(
          "div",
          { className: "empty" },
          element("p", {}, "No orders yet. Send the first one:"),
          command("bin/orderctl send --user U1 --item P001:2:20.00 --wait"),
        ),
      );
    }
    return;
  }

  const all = months();
  const range = currentRange();
  const wanted = overviewPath().match(/start=.*$/)?.[0];
  const days = wanted && wanted === state.daysOf ? readPeriods(state.days, dayNumber) : null;
  const series = seriesOf(range, all, days);
  const outside = outsideText(series, all);
  const chart = $("chart");
  const drawn = JSON.stringify([
    range,
    choice.measure,
    [...series.values],
    series.loading,
    chart.clientWidth,
    chart.clientHeight,
  ]);
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
  const range =
    unit === "year"
      ? `${pad(n, 4)}-01..${pad(n, 4)}-12`
      : `${dayName(firstDay(n))}..${dayName(firstDay(n + 1) - 1)}`;
  choose({ range }, true);
}

function showTop(top) {
  const most = top.length > 0 ? Math.max(units(top[0].total_spend), 0.01) : 1;
  const body = $("top").querySelector("tbody");
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  body.replaceChildren(
    ...top.map((customer, i) => {
      const name = element(
        "button",
        { type: "button", className: "name", title: customer.user_id },
        element("bdi", {}, customer.user_id),
      );
      name.dataset.id = customer.user_id;
      const bar = element("i");
      const spend = element("span");
      bar.style.width = `max(2px, ${(100 * units(customer.total_spend)) / most}%)`;
      figure(spend, inFull(moneyText(customer.total_spend)));
      return element(
        "tr",
        {},
        element("td", { className: "rank" }, String(i + 1)),
        element("td", {}, name),
        element("td", { className: "number" }, spend, element("span", { className: "meter" }, bar)),
      );
    }),
  );
  if (focused !== null) {
    [...body.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus();
  }
  $("top").hidden = top.length === 0;
  $("top-empty").hidden = top.length > 0;
  $("top-empty").textContent = "No customer has an order yet.";
}

function showMessages(m) {
  const reasons = Object.entries(m.refused)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a);
  const refused = reasons.reduce((sum, [, n]) => sum + n, 0);
  const all = m.recorded + m.duplicate + refused;
  for (const [id, n] of Object.entries({
    recorded: m.recorded,
    duplicate: m.duplicate,
    refused,
    mismatch: m.mismatch,
    failed: m.failed,
  })) {
    figure($(id), countText(n));
  }
  $("received").textContent = all === 0 ? "none yet" : `${countText(all).short} in all`;
  for (const [name, n] of Object.entries({
    recorded: m.recorded,
    duplicate: m.duplicate,
    refused,
  })) {
    const segment = $("share").querySelector(`.${name}`);
    segment.style.flexGrow = n;
    segment.hidden = n === 0;
  }
  showReasons(reasons);
}

// showReasons keeps what is open while the counts change.
function showReasons(reasons) {
  const list = $("reasons");
  const codes = reasons.map(([code]) => code).join();
  list.hidden = reasons.length === 0;
  if (list.dataset.codes !== codes) {
    list.dataset.codes = codes;
    list.replaceChildren(
      ...reasons.map(([code]) =>
        element(
          "li",
          {},
          element(
            "details",
            {},
            element(
              "summary",
              {},
              element("span", {}, `${reasonNames[code] ?? "Refused"} `, element("code", {}, code)),
              element("span", { className: "count" }),
            ),
            command(`bin/orderctl rejected list --reason ${code}`),
          ),
        ),
      ),
    );
  }
  for (const [i, count] of [...list.querySelectorAll(".count")].entries()) {
    figure(count, countText(reasons[i][1]));
  }
}

function showQueues() {
  const orders = ordersQueue();
  const stalled = health().word === "Waiting" || !state.redisUp;
  if (state.lastSuccess !== null) {
    figure($("waiting"), orders ? countText(held(orders)) : { exact: "unknown", short: "–" });
  }
  $("waiting-split").textContent = orders ? splitText(orders, stalled) : "";
  $("queues").hidden = state.queues.length === 0;
  $("queues-empty").hidden = state.queues.length > 0;
  if (state.lastSuccess !== null || state.failure) {
    $("queues-empty").textContent = "The depth of the queues is unknown right now.";
  }
  const rows = state.queues.map((q) => queueRow(q, q === orders, stalled));
  $("queues")
    .querySelector("tbody")
    .replaceChildren(...rows);
}

// splitText says how many of the waiting orders were received already.
function splitText(orders, stalled) {
  if (held(orders) === 0) return "queue empty";
  const waiting = inBrief(orders.visible + orders.delayed).short;
  const received = inBrief(orders.in_flight).short;
  return `${waiting} waiting, ${received} ${stalled ? "for their next attempt" : "in flight"}`;
}

function queueRow(q, isOrders, stalled) {
  const note = queueNote(q, isOrders, stalled);
  const name = element("td", {}, element("bdi", {}, q.queue));
  if (note) name.append(element("small", {}, note));
  const count = (n, due) => {
    const cell = element("td", { className: due ? "number due" : "number" });
    figure(cell, inBrief(n));
    return cell;
  };
  return element(
    "tr",
    {},
    name,
    count(q.visible + q.delayed, note && !isOrders),
    count(q.in_flight, note && isOrders),
  );
}

function queueNote(q, isOrders, stalled) {
  if (held(q) === 0) return "";
  if (q.queue.endsWith("-replay-dlq")) return "replays that failed";
  if (q.queue.endsWith("-dlq")) return "failed at every attempt";
  if (q.queue.endsWith("-rejected")) return "refused, with their reasons";
  if (isOrders && stalled && q.in_flight > 0) return `retried ${nextAttempt}`;
  return "";
}

$("lookup").addEventListener("submit", (event) => {
  event.preventDefault();
  lookUp($("customer-id").value);
});
$("top").addEventListener("click", (event) => {
  const name = event.target.closest("button.name");
  if (!name) return;
  $("customer-id").value = name.dataset.id;
  lookUp(name.dataset.id);
  $("customer-title").scrollIntoView({ block: "nearest" });
});
$("top-count").addEventListener("change", () => choose({ top: $("top-count").value }));
for (const radio of document.getElementsByName("measure")) {
  radio.addEventListener("change", () => choose({ measure: radio.value }));
}
for (const radio of document.getElementsByName("range")) {
  radio.addEventListener("change", () => {
    if (radio.value !== "custom") {
      choose({ range: radio.value }, true);
      return;
    }
    const { unit, first, last, firstMonth = first, lastMonth = last } = currentRange();
    const name = unit === "day" ? dayName : monthName;
    choose({ range: `${name(firstMonth)}..${name(lastMonth)}` }, true);
    $("from").focus();
  });
}
$("custom").addEventListener("submit", (event) => {
  event.preventDefault();
  const range = `${$("from").value.trim()}..${$("to").value.trim()}`;
  const valid = customRange(range) !== null;
  $("custom-note").classList.toggle("bad", !valid);
  $("custom-note").textContent = valid
    ? "months, or days such as 2024-05-01"
    : "Write months or days, 1970 to 9999, the first one first.";
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
// The link must not change the fragment, which holds the choice.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("figures").focus();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) state.lastInput = Date.now();
  if (document.hidden || state.paused) schedule();
  else refresh();
});
addEventListener("popstate", readAddress); // also when only the fragment changes
new ResizeObserver(showTime).observe($("chart"));
setInterval(showHealth, 1_000);
readAddress();
