// The card of one customer.

const isCustomer = (id) => id !== "" && [...id].length <= 128 && !/[\p{Cc}\p{Cs}]/u.test(id);

function showCustomer() {
  const target = $("customer");
  const { user: id } = choice;
  if (id === "") return;
  const answered = state.userOf === id;
  const user = answered ? state.figures?.user : undefined;
  const key = JSON.stringify([id, user, answered, state.redisUp]);
  if (target.dataset.key === key) return;
  target.dataset.key = key;
  if (!user) {
    target.replaceChildren(noCustomer(id, answered));
    return;
  }
  const values = [
    ["Orders", countText(user.order_count)],
    ["Spend", moneyText(user.total_spend)],
    ["Average order", moneyText(average(user.total_spend, user.order_count))],
  ];
  target.replaceChildren(
    element("h3", {}, element("bdi", {}, id)),
    element(
      "dl",
      { className: "rows" },
      ...values.map(([name, text]) => {
        const value = element("dd");
        figure(value, inFull(text));
        return element("div", {}, element("dt", {}, name), value);
      }),
    ),
  );
}

function noCustomer(id, answered) {
  if (answered) {
    return element("p", { className: "note" }, element("bdi", {}, id), " has no orders.");
  }
  if (state.redisUp) return element("p", { className: "empty" }, "Looking up…");
  const text = "Customers cannot be looked up while Redis is away.";
  return element("p", { className: "note bad" }, text);
}

function lookUp(id) {
  if (!isCustomer(id)) {
    $("customer").dataset.key = "";
    $("customer").replaceChildren(
      element(
        "p",
        { className: "note bad" },
        "Not a valid customer id: it has 1 to 128 characters, and no control characters.",
      ),
    );
    return;
  }
  choose({ user: id }, choice.user !== id);
}
