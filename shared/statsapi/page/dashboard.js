// The page polls one route, stats/overview, and shows what it answers. All addresses are relative to
// the page's own, with or without a slash at its end, so it works under every stage and host.

const root = location.pathname.replace(/dashboard\/?$/, "").replace(/\/?$/, "/");
// A tab that is open all day stays below 15,000 requests: 2 s while figures change, for three
// minutes after someone did something, then 7 s; a hidden tab asks once a minute for its title.
const fastInterval = 2_000, fastFor = 180_000, interval = 7_000, hiddenInterval = 60_000;
const timeLimit = 6_000, staleAfter = 25_000, stalledAfter = 20_000;
const nextAttempt = "within 9 minutes"; // backoff.Longest of the order function; a test compares
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
// choice is what the address of the page says.
const choice = { range: "auto", measure: "orders", top: "10", user: "" };
const state = {
  figures: null, queues: [], days: null, daysOf: "", time: null, today: null, zone: "UTC",
  lastSuccess: null, lastChange: 0, lastInput: Date.now(), lastText: "", lastProgress: null,
  failure: null, redisUp: true, locked: false, paused: false, timer: 0, running: false, again: false,
};

class Failure extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

async function ask(path) {
  const headers = { Accept: "application/json" }, key = sessionStorage.getItem("api-key");
  if (key) headers["x-api-key"] = key;
  let response, text;
  try {
    response = await fetch(root + path, { signal: AbortSignal.timeout(timeLimit), headers });
    text = await response.text();
  } catch {
    throw new Failure(0, "The API cannot be reached.");
  }
  if (response.ok) return { text, data: parse(text) };
  let detail = `The API answered with status ${response.status}.`;
  try { detail = JSON.parse(text).detail ?? detail; } catch { /* not problem details: a gateway's own page */ }
  throw new Failure(response.status, detail);
}

function overviewPath() {
  const query = new URLSearchParams({ top: choice.top });
  if (choice.user) query.set("user", choice.user);
  const range = state.today === null ? null : currentRange();
  if (range?.unit === "day") {
    query.set("start", dayName(range.first));
    query.set("end", dayName(range.last));
  }
  return `stats/overview?${query}`;
}

const currentRange = () => resolve(choice.range, months(), state.today);
const months = () => readPeriods(state.figures?.months, monthNumber);

async function refresh() {
  if (state.running) { state.again = true; return; }
  state.running = true;
  clearTimeout(state.timer);
  do {
    state.again = false;
    const path = overviewPath();
    try {
      const { text, data } = await ask(path);
      take(path, text, data);
      if (overviewPath() !== path) state.again = true; // the first answer says which days to ask for
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      state.failure = failure;
      if (failure.status === 401 || failure.status === 403) lock();
    }
  } while (state.again && !state.failure);
  state.running = false;
  show();
  schedule();
}

// take keeps what an answer says.
function take(path, text, data) {
  const body = text.replace(/"time":"[^"]*",/, "");
  if (body !== state.lastText) state.lastChange = Date.now();
  Object.assign(state, {
    lastText: body, lastSuccess: Date.now(), failure: null, redisUp: data.redis_up, queues: data.queues,
    time: Date.parse(data.time), zone: data.time_zone, today: todayIn(data.time_zone, data.time),
  });
  unlock();
  if (!data.figures) return;
  const before = state.figures?.totals.total_orders;
  state.figures = data.figures;
  state.figuresAt = Date.now();
  state.userOf = new URLSearchParams(path.split("?")[1]).get("user") ?? "";
  if (data.figures.days) { state.days = data.figures.days; state.daysOf = path.match(/start=.*$/)[0]; }
  if (before !== data.figures.totals.total_orders || held(ordersQueue()) === 0) state.lastProgress = Date.now();
  addSample(state.time, data.figures.totals.total_orders);
}

function schedule() {
  clearTimeout(state.timer);
  if (state.paused || state.locked) return;
  const now = Date.now(), fast = now - state.lastInput < fastFor && now - state.lastChange < 30_000;
  state.timer = setTimeout(refresh, document.hidden ? hiddenInterval : fast ? fastInterval : interval);
}

function lock() {
  state.locked = true;
  $("key-form").hidden = false;
  if (sessionStorage.getItem("api-key")) {
    sessionStorage.removeItem("api-key");
    $("key-note").textContent = "The API did not accept this key. Try another one.";
  }
}

function unlock() {
  state.locked = false;
  $("key-form").hidden = true;
}

const ordersQueue = () => state.queues.find((q) => !/-(dlq|rejected|replay)$/.test(q.queue));
const deadQueue = () => state.queues.find((q) => /-dlq$/.test(q.queue) && !/-replay-dlq$/.test(q.queue));
const held = (q) => (q ? q.visible + q.in_flight + q.delayed : 0);

// health says in one word and in sentences how things are. "All is well" needs a reason to say so.
function health() {
  const since = state.lastSuccess === null ? null : Date.now() - state.lastSuccess;
  const orders = ordersQueue(), waiting = held(orders), dead = held(deadQueue());
  const figuresOf = state.figures ? `The figures below are those of ${clock.format(state.figuresAt)}.` : "There are no figures to show yet.";
  if (state.locked) return { name: "locked", word: "Key needed" };
  if (state.failure?.status === 503) return { name: "error", word: "Redis is away", title: "Redis does not answer.", text: `${figuresOf} This page keeps trying.` };
  if (state.failure) return { name: "error", word: "No connection", title: state.failure.message, text: `${figuresOf} This page keeps trying.` };
  if (since === null) return { name: "loading", word: "Connecting…" };
  if (!state.redisUp) {
    const text = waiting === 0 ? "No order is waiting." : `${ordersText(waiting)} ${waiting === 1 ? "waits" : "wait"} in the queue: none is lost, and each is tried again ${nextAttempt}.`;
    return { name: "error", word: "Redis is away", title: "Redis does not answer, so nothing is counted.", text: `${text} ${figuresOf}` };
  }
  if (state.paused) return { name: "stale", word: "Paused" };
  if (since > staleAfter && !document.hidden) return { name: "stale", word: "Stale" };
  if (dead > 0) {
    return { name: "warn", word: `${whole.format(dead)} dead`, title: `${whole.format(dead)} ${dead === 1 ? "message" : "messages"} failed at every attempt.`, text: "Once the cause is gone:", command: "bin/orderctl dlq redrive --wait" };
  }
  if (waiting > 0 && Date.now() - state.lastProgress > stalledAfter) {
    return orders.in_flight >= orders.visible
      ? { name: "warn", word: "Waiting", title: `${ordersText(waiting)} ${waiting === 1 ? "waits" : "wait"} for the next attempt.`, text: `Earlier attempts failed. Each is tried again ${nextAttempt}.` }
      : { name: "warn", word: "Not counting", title: `${ordersText(waiting)} ${waiting === 1 ? "waits" : "wait"}, and none is being counted.`, text: "Is the order function's event source mapping switched off?" };
  }
  if (state.queues.length === 0) return { name: "live", word: "Live, queues unknown" };
  return { name: "live", word: waiting > 0 ? "Live, counting" : "Live, all is well" };
}

function showHealth() {
  const { name, word, title = "", text = "", command: line } = health();
  document.body.dataset.state = name;
  if ($("state").textContent !== word) $("state").textContent = word;
  const since = state.lastSuccess === null ? null : Date.now() - state.lastSuccess;
  $("age").textContent = since === null ? "" : since < 1_500 ? "· just now" : since < 60_000
    ? `· ${Math.round(since / 1000)} s ago` : `· since ${clock.format(state.lastSuccess)}`;

  const orders = state.figures ? `${whole.format(state.figures.totals.total_orders)} orders` : "Orders";
  const tabTitle = name === "live" ? orders : name === "loading" ? "Orders" : `${name === "stale" || name === "locked" ? "" : "⚠ "}${word} · ${orders}`;
  if (document.title !== tabTitle) document.title = tabTitle;

  const alarm = $("alarm"), key = title && `${title} ${text}`;
  if (alarm.dataset.key === key) return;
  alarm.dataset.key = key;
  alarm.hidden = !title;
  alarm.classList.toggle("warn", name === "warn");
  alarm.replaceChildren(...(title ? [element("strong", {}, title), " ", text, ...(line ? [command(line)] : [])] : []));
}

function show() {
  if (state.figures) {
    showTotals(state.figures);
    showTime();
    showTop(state.figures.top);
    showMessages(state.figures.messages);
    showCustomer();
    drawRate();
  } else if (state.lastSuccess !== null || state.failure) {
    $("top-empty").textContent = "Unknown so far.";
    $("chart").replaceChildren(element("p", { className: "empty" }, "Unknown so far."));
    showCustomer();
  }
  showQueues();
  showHealth();
}

function choose(changes, push) {
  Object.assign(choice, changes);
  state.lastInput = Date.now();
  writeAddress(push);
  applyChoice();
}

// The choice is in the address's fragment, which no server and no log ever sees.
const defaults = { ...choice };
function writeAddress(push) {
  const changed = Object.entries(choice).filter(([name, value]) => value !== defaults[name]);
  const fragment = new URLSearchParams(changed).toString();
  history[push ? "pushState" : "replaceState"](null, "", fragment ? `#${fragment}` : location.pathname + location.search);
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1)), is = (name, valid) => (valid(given.get(name) ?? "") ? given.get(name) : defaults[name]);
  Object.assign(choice, {
    range: is("range", (v) => ["30d", "12m", "24m", "all"].includes(v) || customRange(v) !== null),
    measure: is("measure", (v) => v === "revenue"),
    top: is("top", (v) => [...$("top-count").options].some((o) => o.text === v)),
    user: is("user", isCustomer),
  });
  applyChoice();
}

// applyChoice sets the controls as the choice says, and asks for what is needed.
function applyChoice() {
  const custom = !["auto", "30d", "12m", "24m", "all"].includes(choice.range);
  for (const radio of document.getElementsByName("range")) radio.checked = radio.value === (custom ? "custom" : choice.range);
  for (const radio of document.getElementsByName("measure")) radio.checked = radio.value === choice.measure;
  $("custom").hidden = !custom;
  if (custom) [$("from").value, $("to").value] = choice.range.split("..");
  $("top-count").value = choice.top;
  if (choice.user && $("customer-id").value !== choice.user) $("customer-id").value = choice.user;
  show();
  refresh();
}
