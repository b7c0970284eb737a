// The page asks the API again and again, and shows what it says. All addresses are relative to the page's own, with or
// without a slash at its end, so it works under every stage and host.

const root = location.pathname.replace(/dashboard\/?$/, "").replace(/\/?$/, "/");
const busyInterval = 2_000, quietInterval = 5_000, quietAfter = 15, timeLimit = 6_000, staleAfter = 15_000;
const $ = (id) => document.getElementById(id);
for (const link of document.querySelectorAll("[data-link]")) link.href = root + link.dataset.link;

const reasonNames = {
  invalid_json: "Not readable as JSON",
  missing_field: "A field is missing",
  invalid_field: "A field is not valid",
  order_too_large: "The order is too large",
  order_id_conflict: "Same order id, other content",
  total_overflow: "A sum would grow too large",
};
const state = { months: null, lastSuccess: null, lastBody: "", unchanged: 0, failure: null, paused: false, customer: null, timer: 0, running: false };

class Failure extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

async function ask(path) {
  let response;
  try {
    response = await fetch(root + path, { signal: AbortSignal.timeout(timeLimit), headers: { Accept: "application/json" } });
  } catch {
    throw new Failure(0, "The API cannot be reached.");
  }
  const text = await response.text();
  if (response.ok) return { text, data: parse(text) };
  let detail = `The API answered with status ${response.status}.`;
  try { detail = JSON.parse(text).detail ?? detail; } catch { /* not problem details: a gateway's own page */ }
  throw new Failure(response.status, detail);
}

async function refresh() {
  if (state.running) return;
  state.running = true;
  clearTimeout(state.timer);
  const asked = [
    ["stats/global", showTotals],
    // The months a hundred years from 1970 on: the API gives only those with orders.
    ["stats/monthly?start=1970-01&end=2069-12", showMonths],
    [`stats/top/${$("top-count").value}`, showTop],
    ["stats/messages", showMessages],
  ];
  const answers = await Promise.allSettled(asked.map(([path]) => ask(path)));
  answers.forEach((answer, i) => { if (answer.status === "fulfilled") asked[i][1](answer.value.data); });
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed) {
    state.failure = failed.reason;
  } else {
    const body = answers.map((answer) => answer.value.text).join("\n");
    state.unchanged = body === state.lastBody ? state.unchanged + 1 : 0;
    state.lastBody = body;
    state.lastSuccess = Date.now();
    state.failure = null;
  }
  if (state.customer !== null && !failed) await showCustomer(state.customer);
  state.running = false;
  showState();
  schedule();
}

function schedule() {
  clearTimeout(state.timer);
  if (state.paused || document.hidden) return;
  state.timer = setTimeout(refresh, state.unchanged < quietAfter ? busyInterval : quietInterval);
}

function showState() {
  const since = state.lastSuccess === null ? null : Date.now() - state.lastSuccess;
  let name = "live", text = "Live";
  if (state.failure) [name, text] = ["error", state.failure.status === 503 ? "Redis does not answer" : "No connection"];
  else if (since === null) [name, text] = ["loading", "Connecting…"];
  else if (state.paused) [name, text] = ["stale", "Paused"];
  else if (since > staleAfter) [name, text] = ["stale", "Stale"];
  document.body.dataset.state = name;
  if ($("state").textContent !== text) $("state").textContent = text;
  $("age").textContent = since === null ? "" : since < 1_500 ? "· just now" : since < 60_000
    ? `· ${Math.round(since / 1000)} s ago` : `· since ${clock.format(state.lastSuccess)}`;
  showAlarm();
}

function showAlarm() {
  const alarm = $("alarm");
  const from = state.lastSuccess === null ? "There are no figures to show yet." : `The figures below are those of ${clock.format(state.lastSuccess)}.`;
  const text = state.failure ? `${from} This page keeps trying.` : "";
  if (alarm.dataset.text === text) return;
  alarm.dataset.text = text;
  alarm.hidden = text === "";
  if (text === "") { alarm.replaceChildren(); return; }
  if (state.lastSuccess === null) {
    for (const id of ["top-empty", "queues-empty"]) $(id).textContent = "Not known yet.";
    $("chart").replaceChildren(element("p", { className: "empty" }, "Not known yet."));
  }
  const title = state.failure.status === 503 ? "Redis does not answer." : state.failure.message;
  alarm.replaceChildren(element("strong", {}, title), " ", text);
}

function showTotals(totals) {
  figure($("orders"), countText(totals.total_orders));
  figure($("revenue"), moneyText(totals.total_revenue));
  figure($("average"), moneyText(average(totals.total_revenue, totals.total_orders)));
}

function showMonths(months) {
  const text = JSON.stringify(months);
  if (state.months?.text === text) return;
  state.months = { text, data: months };
  drawMonths();
  $("months-table").hidden = Object.keys(months).length === 0;
  fillMonths($("months-table").querySelector("tbody"), months);
}

function drawMonths() {
  if (state.months) drawChart($("chart"), $("readout"), state.months.data, document.querySelector("[name=measure]:checked").value);
}

function showTop(top) {
  const most = top.length > 0 ? Math.max(units(top[0].total_spend), 0.01) : 1;
  const body = $("top").querySelector("tbody");
  const focused = body.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  body.replaceChildren(...top.map((customer, i) => {
    const name = element("button", { type: "button", className: "name", title: customer.user_id }, element("bdi", {}, customer.user_id));
    name.dataset.id = customer.user_id;
    const bar = element("i");
    bar.style.width = `max(2px, ${100 * units(customer.total_spend) / most}%)`;
    const spend = element("span");
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
    const part = $("share").querySelector(`.${name}`);
    part.style.flexGrow = n;
    part.hidden = n === 0;
  }
  $("reasons").hidden = reasons.length === 0;
  $("reasons").replaceChildren(...reasons.map(([code, n]) => {
    const count = element("span");
    figure(count, countText(n));
    return element("li", {}, element("span", {}, `${reasonNames[code] ?? "Refused"} `, element("code", {}, code)), count);
  }));
  showQueues(m.queues);
}

function showQueues(queues) {
  const orders = queues.find((q) => !/-(dlq|rejected)$/.test(q.queue));
  figure($("waiting"), orders ? countText(orders.visible + orders.delayed) : { exact: "not known", short: "–" });
  $("queues").hidden = queues.length === 0;
  $("queues-empty").hidden = queues.length > 0;
  $("queues-empty").textContent = "The depth of the queues is not known right now.";
  $("queues").querySelector("tbody").replaceChildren(...queues.map((q) => {
    const held = q.visible + q.in_flight + q.delayed;
    const note = held === 0 ? "" : q.queue.endsWith("-dlq") ? "gave up after many attempts; redrive them" : q.queue.endsWith("-rejected") ? "refused; look at their reasons" : "";
    const name = element("td", {}, element("bdi", {}, q.queue));
    if (note) name.append(element("small", {}, note));
    return element("tr", {}, name,
      element("td", { className: note ? "number due" : "number" }, countText(q.visible + q.delayed).short),
      element("td", { className: "number" }, countText(q.in_flight).short));
  }));
}

async function showCustomer(id) {
  const target = $("customer");
  let key, content;
  try {
    const { text, data } = await ask(`users/${encodeURIComponent(id)}/stats`);
    key = text;
    const values = [["Orders", countText(data.order_count)], ["Spend", moneyText(data.total_spend)], ["Average order", moneyText(average(data.total_spend, data.order_count))]];
    content = [element("h3", {}, element("bdi", {}, data.user_id)), element("dl", { className: "rows" }, ...values.map(([name, text]) => {
      const value = element("dd");
      figure(value, inFull(text));
      return element("div", {}, element("dt", {}, name), value);
    }))];
  } catch (failure) {
    key = `${id} ${failure.message}`;
    const message = failure.status === 404 ? [element("bdi", {}, id), " has no orders."]
      : failure.status === 422 ? ["This can be no customer’s id: it has 1 to 128 characters, and no control characters."]
        : [failure.message ?? "Something went wrong."];
    content = [element("p", { className: failure.status === 404 ? "note" : "note bad" }, ...message)];
  }
  if (state.customer !== id || target.dataset.key === key) return;
  target.dataset.key = key;
  target.replaceChildren(...content);
}

function lookUp(id) {
  state.customer = id;
  delete $("customer").dataset.key;
  $("customer").replaceChildren(element("p", { className: "empty" }, "Looking up…"));
  showCustomer(id);
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
$("top-count").addEventListener("change", refresh);
for (const choice of document.getElementsByName("measure")) choice.addEventListener("change", drawMonths);
$("pause").addEventListener("click", () => {
  state.paused = !state.paused;
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = state.paused ? "Resume" : "Pause";
  showState();
  if (state.paused) clearTimeout(state.timer);
  else refresh();
});
document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(state.timer); else if (!state.paused) refresh(); });
new ResizeObserver(drawMonths).observe($("chart"));
setInterval(showState, 1_000);
refresh();
