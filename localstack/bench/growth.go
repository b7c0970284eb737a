package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A growing store is filled to each size in turn, and measured there.
type growing struct {
	server    *server
	store     *ledger.Store
	customers int     // at most
	empty     float64 // bytes of the empty server
	filled    int     // orders recorded by fill
	measured  int     // further orders, recorded by window
}

// A growthPoint is what was measured at one size of a store.
type growthPoint struct {
	windows       []cost
	memory        float64
	scripts       scriptTimes
	orders, known int
}

// growthKinds are the two ways in which the store grows.
var growthKinds = [2]struct {
	name      string
	customers int // at most
}{{"10,000 customers", 10_000}, {"as many customers as orders", math.MaxInt}}

// growth measures how time and memory of one order grow with what the store already holds. The
// second store is filled in all further rounds, too, for the longest script.
func (b *benchmark) growth(ctx context.Context) error {
	var points [len(growthKinds)][]growthPoint
	var longest sample // in ms
	for round := range usualRounds {
		kind := min(round, len(growthKinds)-1)
		b.progress("growth, round %d of %d: %s", round+1, usualRounds, growthKinds[kind].name)
		grown, err := b.grow(ctx, growthKinds[kind].customers)
		if err != nil {
			return err
		}
		longest = append(longest, grown[len(grown)-1].scripts.longest)
		if points[kind] == nil {
			points[kind] = grown
		}
	}
	b.reportGrowth(points, longest)
	return nil
}

// grow fills a store and measures it at each size.
func (b *benchmark) grow(ctx context.Context, customers int) (points []growthPoint, err error) {
	server, err := startRedis()
	if err != nil {
		return nil, err
	}
	defer server.stop()
	server.setRealTimePriority()
	store, err := openStore(server.URL(), 1, patience)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	empty, err := server.used(ctx)
	if err != nil {
		return nil, err
	}
	if err := server.watchScripts(ctx); err != nil {
		return nil, err
	}
	g := &growing{server: server, store: store, customers: customers, empty: empty.memory}
	for _, orders := range b.size.growth {
		p, err := g.measure(ctx, b.size, orders)
		if err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, nil
}

// measure fills the store to a number of orders, each of the next customer, and measures it there.
func (g *growing) measure(ctx context.Context, s size, orders int) (p growthPoint, err error) {
	err = fill(ctx, g.store, g.filled, orders, func(n int) int { return n % g.customers })
	if err != nil {
		return p, err
	}
	g.filled = orders
	p.orders, p.known = g.filled+g.measured, min(g.customers, g.filled)
	used, err := g.server.used(ctx)
	if err != nil {
		return p, err
	}
	p.memory = used.memory - g.empty
	for range usualRounds {
		window, err := g.window(ctx, min(orders/5, s.growthWindow), p.known)
		if err != nil {
			return p, err
		}
		p.windows = append(p.windows, window)
	}
	p.scripts, err = g.server.scripts(ctx)
	return p, err
}

func (b *benchmark) reportGrowth(points [len(growthKinds)][]growthPoint, longest sample) {
	s := b.section(
		"Growth", "orders in the store", "customers", "µs per order", "Redis µs of CPU per order",
		"Redis bytes per order", "one script: median ms", "99.9 %", "longest",
	)
	s.note(
		"The store is filled to a size; then windows of new orders (a fifth as many, at most %s) of "+
			"customers that it knows are recorded by one consumer, in batches of 1,000, without decoding.",
		console.Count(b.size.growthWindow),
	)
	s.note(
		"Bytes are Redis's used_memory over the empty server's, for each order, customers included. " +
			"The times of a script are Redis's own (latencystats and SLOWLOG), since the store was " +
			"empty. Redis ran with real-time priority where it may (chrt), so that no other program " +
			"interrupted a script; what keeps a virtual machine from running counts.",
	)
	for _, ofKind := range points {
		for _, p := range ofKind {
			n := float64(p.orders)
			s.row(
				whole(n), console.Count(p.known), each(p.windows, cost.took).text(hundredths),
				each(p.windows, cost.redisCPU).text(hundredths), whole(p.memory/n),
				hundredths(p.scripts.usual), hundredths(p.scripts.p999), hundredths(p.scripts.longest),
			)
		}
	}
	last := len(b.size.growth) - 1
	few, many, n := points[0][last], points[1][last], float64(points[0][last].orders)
	// Both stores hold n orders; what one holds more is its further customers.
	perCustomer := (many.memory - few.memory) / float64(many.known-few.known)
	perOrder := (few.memory - perCustomer*float64(few.known)) / n
	s.note(
		"From the two stores of %s orders: %.0f bytes per order, %.0f bytes per customer.",
		whole(n), perOrder, perCustomer,
	)
	how := fmt.Sprintf(
		"the longest of all while filling a store to %s orders, %d times; half of the scripts take "+
			"%.2f ms, 99.9 %% at most %.2f ms",
		whole(n), len(longest), many.scripts.usual, many.scripts.p999,
	)
	b.target(
		"Redis blocked by one script", "≤ 5 ms", longest.text(hundredths)+" ms at most",
		longest.median() <= 5, how,
	)
	b.target(
		"memory in Redis per order", "≤ 120 bytes", whole(perOrder)+" bytes", perOrder <= 120,
		"at "+whole(n)+" orders",
	)
	b.target(
		"memory in Redis per customer", "≤ 150 bytes", whole(perCustomer)+" bytes", perCustomer <= 150,
		"at "+console.Count(many.known)+" customers",
	)
	for kind, k := range growthKinds {
		first, last := points[kind][0].windows, points[kind][last].windows
		grows := each(last, cost.took).median() / each(first, cost.took).median()
		cpu := each(last, cost.redisCPU).median() / each(first, cost.redisCPU).median()
		b.target(
			"time per order from 10⁴ to "+whole(n)+" orders", "grows ≤ 1.5 ×", times(grows), grows <= 1.5,
			k.name+"; Redis's CPU time grows "+times(cpu),
		)
	}
}

// fill records the orders from … to in batches of 1,000. One caller leaves Redis a core.
func fill(
	ctx context.Context, store *ledger.Store, from, end int, customerOf func(n int) int,
) error {
	orders, outcomes := make([]order.Order, 1000), make([]ledger.Outcome, 1000)
	for start := from; start < end; start += len(orders) {
		n := min(len(orders), end-start)
		for i := range n {
			orders[i] = numbered(start+i, customerOf(start+i))
		}
		if err := store.Record(ctx, orders[:n], outcomes[:n]); err != nil {
			return err
		}
	}
	return nil
}

// window records new orders of known customers.
func (g *growing) window(ctx context.Context, n, known int) (cost, error) {
	// Their numbers are past all that fill gives.
	first := 100_000_000 + g.measured
	random := rand.New(rand.NewPCG(uint64(first), 1))
	orders, outcomes := make([]order.Order, n), make([]ledger.Outcome, n)
	for i := range orders {
		orders[i] = numbered(first+i, random.IntN(known))
	}
	c, err := g.server.measure(ctx, n, func() error {
		for start := 0; start < n; start += 1000 {
			end := min(start+1000, n)
			if err := g.store.Record(ctx, orders[start:end], outcomes[start:end]); err != nil {
				return err
			}
		}
		return nil
	})
	for i, outcome := range outcomes {
		if err == nil && outcome != ledger.Recorded {
			err = fmt.Errorf("order %d was not recorded: %v", first+i, outcome)
		}
	}
	g.measured += n
	return c, err
}

// numbered makes the n-th order, with ids as long as those of orders.py.
func numbered(n, customer int) order.Order {
	return order.Order{
		ID:     fmt.Sprintf("ORD-%09d-%012x", n, uint64(n)*0x9E3779B97F4A7C15>>16),
		UserID: fmt.Sprintf("U%d", customer),
		Value:  spendOf(n),
		Placed: time.Date(2024, time.Month(1+n%12), 1+n%28, n%24, 0, 0, 0, time.UTC),
	}
}

// spendOf spreads what customers spent, in cents.
func spendOf(n int) order.Cents { return order.Cents(500 + n*7919%99_500) }
