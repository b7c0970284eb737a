// The page polls one route, stats/overview, and shows what it answers. All addresses are relative
// to the page's own, with or without a slash at its end, so it works under every stage and host.

const root = location.pathname.replace(/dashboard\/?$/, "").replace(/\/?$/, "/");
// A tab that is open all day stays below 15,000 requests: 2 s while figures change, for three
// minutes after someone did something, then 7 s; a hidden tab asks once a minute for its title.
const fastInterval = 2_000;
const fastFor = 180_000;
const interval = 7_000;
const hiddenInterval = 60_000;
const timeLimit = 6_000;
const staleAfter = 25_000;
const stalledAfter = 20_000;
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
  figures: null,
  queues: [],
  days: null,
  daysOf: "",
  time: null,
  today: null,
  zone: "UTC",
  lastSuccess: null,
  lastChange: 0,
  lastInput: Date.now(),
  lastText: "",
  lastProgress: null,
  failure: null,
  redisUp: true,
  locked: false,
  paused: false,
  timer: 0,
  running: false,
  again: false,
};

class Failure extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

async function ask(path) {
  const headers = { Accept: "application/json" };
  const key = sessionStorage.getItem("api-key");
  if (key) headers["x-api-key"] = key;
  let response;
  let text;
  try {
    response = await fetch(root + path, { signal: AbortSignal.timeout(timeLimit), headers });
    text = await response.text();
  } catch {
    throw new Failure(0, "The API cannot be reached.");
  }
  if (response.ok) return { text, data: parse(text) };
  let detail = `The API answered with status ${response.status}.`;
  try {
    detail = JSON.parse(text).detail ?? detail;
  } catch {
    // not problem details: a page of a gateway
  }
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
  if (state.running) {
    state.again = true;
    return;
  }
  state.running = true;
  clearTimeout(state.timer);
  do {
    state.again = false;
    const path = overviewPath();
    try {
      const { text, data } = await ask(path);
      take(path, text, data);
      // The first answer says which days to ask for.
      if (overviewPath() !== path) state.again = true;
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
    lastText: body,
    lastSuccess: Date.now(),
    failure: null,
    redisUp: data.redis_up,
    queues: data.queues,
    time: Date.parse(data.time),
    zone: data.time_zone,
    today: todayIn(data.time_zone, data.time),
  });
  unlock();
  if (!data.figures) return;
  const before = state.figures?.totals.total_orders;
  state.figures = data.figures;
  state.figuresAt = Date.now();
  state.userOf = new URLSearchParams(path.split("?")[1]).get("user") ?? "";
  if (data.figures.days) {
    state.days = data.figures.days;
    state.daysOf = path.match(/start=.*$/)[0];
  }
  if (before !== data.figures.totals.total_orders || held(ordersQueue()) === 0) {
    state.lastProgress = Date.now();
  }
  addSample(state.time, data.figures.totals.total_orders);
}

function schedule() {
  clearTimeout(state.timer);
  if (state.paused || state.locked) return;
  const now = Date.now();
  const fast = now - state.lastInput < fastFor && now - state.lastChange < 30_000;
  state.timer = setTimeout(
    refresh,
    document.hidden ? hiddenInterval : fast ? fastInterval : interval,
  );
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
const deadQueue = () =>
  state.queues.find((q) => /-dlq$/.test(q.queue) && !/-replay-dlq$/.test(q.queue));
const held = (q) => (q ? q.visible + q.in_flight + q.delayed : 0);

const waitText = (n) => `${ordersText(n)} ${n === 1 ? "waits" : "wait"}`;

// health describes the pipeline's state in one word and in sentences. "All is well" is said only
// when nothing speaks against it.
function health() {
  const since = state.lastSuccess === null ? null : Date.now() - state.lastSuccess;
  const orders = ordersQueue();
  const waiting = held(orders);
  const dead = held(deadQueue());
  const figuresOf = state.figures
    ? `The figures below are those of ${clock.format(state.figuresAt)}.`
    : "There are no figures to show yet.";
  if (state.locked) return { name: "locked", word: "Key needed" };
  if (state.failure?.status === 503) {
    return {
      name: "error",
      word: "Redis is away",
      title: "Redis does not answer.",
      text: `${figuresOf} This page keeps trying.`,
    };
  }
  if (state.failure) {
    return {
      name: "error",
      word: "No connection",
      title: state.failure.message,
      text: `${figuresOf} This page keeps trying.`,
    };
  }
  if (since === null) return { name: "loading", word: "Connecting…" };
  if (!state.redisUp) {
    const text =
      waiting === 0
        ? "No order is waiting."
        : `${waitText(waiting)} in the queue: none is lost, and each is retried ${nextAttempt}.`;
    return {
      name: "error",
      word: "Redis is away",
      title: "Redis does not answer, so nothing is counted.",
      text: `${text} ${figuresOf}`,
    };
  }
  if (state.paused) return { name: "stale", word: "Paused" };
  if (since > staleAfter && !document.hidden) return { name: "stale", word: "Stale" };
  if (dead > 0) {
    const messages = dead === 1 ? "message" : "messages";
    return {
      name: "warn",
      word: `${whole.format(dead)} dead`,
      title: `${whole.format(dead)} ${messages} failed at every attempt.`,
      text: "Once the cause is gone:",
      command: "bin/orderctl dlq redrive --wait",
    };
  }
  if (waiting > 0 && Date.now() - state.lastProgress > stalledAfter) {
    return orders.in_flight >= orders.visible
      ? {
          name: "warn",
          word: "Waiting",
          title: `${waitText(waiting)} for the next attempt.`,
          text: `Earlier attempts failed. Each is retried ${nextAttempt}.`,
        }
      : {
          name: "warn",
          word: "Not counting",
          title: `${waitText(waiting)}, and none is being counted.`,
          text: "Is the order function's event source mapping switched off?",
        };
  }
  if (state.queues.length === 0) return { name: "live", word: "Live, queues unknown" };
  return { name: "live", word: waiting > 0 ? "Live, counting" : "Live, all is well" };
}

// ageText says when the last answer came.
function ageText() {
  if (state.lastSuccess === null) return "";
  const age = Date.now() - state.lastSuccess;
  if (age < 1_500) return "· just now";
  if (age < 60_000) return `· ${Math.round(age / 1000)} s ago`;
  return `· since ${clock.format(state.lastSuccess)}`;
}

// tabTitle is the title of the browser's tab: the number of orders, and what is wrong.
function tabTitle(name, word) {
  const orders = state.figures
    ? `${whole.format(state.figures.totals.total_orders)} orders`
    : "Orders";
  if (name === "live") return orders;
  if (name === "loading") return "Orders";
  const sign = name === "stale" || name === "locked" ? "" : "⚠ ";
  return `${sign}${word} · ${orders}`;
}

function showHealth() {
  const { name, word, title: alarmTitle = "", text = "", command: line } = health();
  document.body.dataset.state = name;
  if ($("state").textContent !== word) $("state").textContent = word;
  $("age").textContent = ageText();
  const title = tabTitle(name, word);
  if (document.title !== title) document.title = title;

  const alarm = $("alarm");
  const key = alarmTitle && `${alarmTitle} ${text}`;
  if (alarm.dataset.key === key) return;
  alarm.dataset.key = key;
  alarm.hidden = !alarmTitle;
  alarm.classList.toggle("warn", name === "warn");
  alarm.replaceChildren();
  if (alarmTitle) alarm.append(element("strong", {}, alarmTitle), " ", text);
  if (line) alarm.append(command(line));
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
