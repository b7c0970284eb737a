// The address of the page: it holds the choice of range, measure, length of the list and customer.

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
  history[push ? "pushState" : "replaceState"](
    null,
    "",
    fragment ? `#${fragment}` : location.pathname + location.search,
  );
}

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const is = (name, valid) => (valid(given.get(name) ?? "") ? given.get(name) : defaults[name]);
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
  for (const radio of document.getElementsByName("range")) {
    radio.checked = radio.value === (custom ? "custom" : choice.range);
  }
  for (const radio of document.getElementsByName("measure")) {
    radio.checked = radio.value === choice.measure;
  }
  $("custom").hidden = !custom;
  if (custom) [$("from").value, $("to").value] = choice.range.split("..");
  $("top-count").value = choice.top;
  if (choice.user && $("customer-id").value !== choice.user) $("customer-id").value = choice.user;
  show();
  refresh();
}
