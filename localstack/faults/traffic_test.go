package faults

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A message is a body and its expected outcome.
type message struct {
	body   string
	order  *content // nil when it must be refused, whatever else comes
	reason string   // of the refusal
}

// A content is what an order says. Messages with the same content are the same order; contents with
// one id contradict each other.
type content struct {
	id, user string
	placed   time.Time
	items    []item
	stated   string // order_value as written; empty: left out
	mismatch bool   // stated is too far from the value
}

type item struct {
	product  string
	quantity int64
	price    string // decimal
}

// cents is the value in exact arithmetic, rounded once, half to even.
func (c *content) cents() int64 {
	sum := new(big.Rat)
	for _, i := range c.items {
		price, ok := new(big.Rat).SetString(i.price)
		if !ok {
			panic("not a price: " + i.price)
		}
		sum.Add(sum, price.Mul(price, new(big.Rat).SetInt64(i.quantity)))
	}
	sum.Mul(sum, big.NewRat(100, 1))
	whole, rest := new(big.Int).QuoRem(sum.Num(), sum.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(sum.Denom()) {
	case 1:
		whole.Add(whole, big.NewInt(1))
	case 0:
		whole.Add(whole, new(big.Int).And(whole, big.NewInt(1)))
	}
	return whole.Int64()
}

// A mix says how many of a hundred messages are what. The rest are new orders.
type mix struct {
	duplicates, conflicts, bad int
}

var usual = mix{duplicates: 15, conflicts: 3, bad: 7}

// A source makes random messages of a mix.
type source struct {
	random *rand.Rand
	mix
	orders []*content
	bad    int
}

func (s *source) next(n int) []message {
	messages := make([]message, n)
	for i := range messages {
		messages[i] = s.one()
	}
	return messages
}

func (s *source) one() message {
	roll := s.random.IntN(100)
	var c *content
	switch {
	case roll < s.mix.bad:
		s.bad++
		return badMessage(s.random, s.bad)
	case len(s.orders) > 0 && roll < s.mix.bad+s.duplicates:
		c = s.orders[s.random.IntN(len(s.orders))]
	case len(s.orders) > 0 && roll < s.mix.bad+s.duplicates+s.conflicts:
		c = newContent(s.random, s.orders[s.random.IntN(len(s.orders))].id)
		s.orders = append(s.orders, c) // may be repeated too
	default:
		c = newContent(s.random, fmt.Sprintf("ORD-%05d", len(s.orders)))
		s.orders = append(s.orders, c)
	}
	return message{body: write(s.random, c), order: c}
}

func newContent(random *rand.Rand, id string) *content {
	c := &content{
		id:   id,
		user: fmt.Sprintf("U%d", random.IntN(25)),
		placed: time.Date(
			2023, time.Month(1+random.IntN(36)), 1+random.IntN(28), random.IntN(24), random.IntN(60),
			random.IntN(60), random.IntN(1e9), time.UTC,
		),
	}
	for range 1 + random.IntN(4) {
		price := strconv.Itoa(random.IntN(2000))
		if decimals := random.IntN(10); decimals > 0 {
			price += "." + fmt.Sprintf("%09d", random.IntN(1e9))[:decimals]
		}
		product := fmt.Sprintf("P%d", random.IntN(500))
		c.items = append(c.items, item{product, 1 + random.Int64N(50), price})
	}
	switch value := c.cents(); random.IntN(6) {
	case 0:
		c.stated = decimal(value + 2 + random.Int64N(1000))
		c.mismatch = true
	case 1, 2, 3:
		c.stated = decimal(value + random.Int64N(3) - 1) // a cent off is no mismatch
	}
	return c
}

func decimal(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// write writes the order in one of the many ways in which it may be written.
func write(random *rand.Rand, c *content) string {
	number := func(text string) string {
		if random.IntN(3) == 0 {
			return strconv.Quote(text)
		}
		return text
	}
	items := make([]string, len(c.items))
	for at, i := range random.Perm(len(c.items)) {
		quantity := strconv.FormatInt(c.items[i].quantity, 10)
		if random.IntN(4) == 0 {
			quantity += ".0"
		}
		items[at] = object(random, []string{
			`"product_id":` + text(c.items[i].product),
			`"quantity":` + number(quantity),
			`"price_per_unit":` + number(c.items[i].price),
		})
	}
	placed := c.placed.Format("2006-01-02T15:04:05.000000000Z07:00")
	switch random.IntN(3) {
	case 0:
		placed = strings.TrimSuffix(placed, "Z")
	case 1:
		placed = c.placed.In(time.FixedZone("", (random.IntN(27)-12)*3600)).
			Format("2006-01-02T15:04:05.000000000Z07:00")
	}
	fields := []string{
		`"order_id":` + text(c.id),
		`"user_id":` + text(c.user),
		`"order_timestamp":` + text(placed),
		`"items":[` + strings.Join(items, ",") + `]`,
	}
	if c.stated != "" {
		fields = append(fields, `"order_value":`+number(c.stated))
	}
	if random.IntN(3) == 0 {
		fields = append(fields, `"note":{"order_id":"not this one","n":[1,2,null]}`)
	}
	body := object(random, fields)
	if random.IntN(10) == 0 {
		return text(body) // encoded twice
	}
	return body
}

func object(random *rand.Rand, fields []string) string {
	random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	return "{" + strings.Join(fields, []string{",", ", ", ",\n  "}[random.IntN(3)]) + "}"
}

// text writes a JSON string.
func text(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// badMessage makes a message that must be refused. Each has another body, by which it is
// recognised.
func badMessage(random *rand.Rand, n int) message {
	id := fmt.Sprintf("BAD-%05d", n)
	with := func(field, value string) string {
		fields := map[string]string{
			"order_id": text(id), "user_id": `"U1"`, "order_timestamp": `"2024-05-01T12:00:00Z"`,
			"items": `[{"product_id":"P1","quantity":1,"price_per_unit":1}]`,
		}
		if fields[field] = value; value == "" {
			delete(fields, field)
		}
		var written []string
		for name, value := range fields {
			written = append(written, text(name)+":"+value)
		}
		return object(random, written)
	}
	oneItem := func(quantity, price string) string {
		return with(
			"items", fmt.Sprintf(`[{"product_id":"P1","quantity":%s,"price_per_unit":%s}]`, quantity, price),
		)
	}
	kinds := []message{
		{reason: "invalid_json", body: id + " is no JSON"},
		{reason: "invalid_json", body: with("order_id", text(id))[1:]},
		{reason: "invalid_json", body: "[" + text(id) + "]"},
		{reason: "invalid_json", body: text(id)},
		{reason: "missing_field", body: with("order_timestamp", "")},
		{reason: "missing_field", body: with("items", "")},
		{reason: "missing_field", body: with("items", `[{"product_id":"P1","quantity":1}]`)},
		{reason: "invalid_field", body: with("user_id", "17")},
		{reason: "invalid_field", body: with("user_id", text(strings.Repeat("u", 129)))},
		{reason: "invalid_field", body: with("order_timestamp", `"2024-02-30"`)},
		{reason: "invalid_field", body: with("items", "[]")},
		{reason: "invalid_field", body: with("order_value", `"much"`)},
		{reason: "invalid_field", body: oneItem("0", "1")},
		{reason: "invalid_field", body: oneItem("1.5", "1")},
		{reason: "invalid_field", body: oneItem("1", "-0.01")},
		{reason: "invalid_field", body: oneItem("1", "0.0000000001")},
		{reason: "order_too_large", body: oneItem("2", "1000000000")},
	}
	return kinds[random.IntN(len(kinds))]
}
