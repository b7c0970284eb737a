package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
)

// A growing store is filled to each size in turn, and measured there.
type growing struct {
	server    *server
	store     *ledger.Store
	customers int     // at most; zero: as many as orders
	empty     float64 // bytes of the empty server
	filled    int     // orders recorded by fill
	measured  int     // further orders, recorded by window
}

// A growthPoint is what was measured at one size of a store.
type growthPoint struct {
	took, cpu            sample // µs an order
	memory               float64
	usual, longest, p999 float64 // of one script, in ms
	orders, known        int
}

// growthKinds are the two ways in which the store grows.
var growthKinds = [2]string{"10,000 customers", "as many customers as orders"}

// growth measures how time and memory of one order grow with what the store already holds.
func (b *benchmark) growth(ctx context.Context) error {
	var points [len(growthKinds)][]growthPoint
	var longest sample // of each fill to the largest size, in ms
	for kind, customers := range []int{10_000, 0} {
		g, err := startGrowing(ctx, customers)
		if err != nil {
			return err
		}
		defer g.stop()
		server := g.server
		for _, orders := range b.size.growth {
			b.progress("growth: %s orders, %s", whole(float64(orders)), growthKinds[kind])
			if err := g.fill(ctx, orders); err != nil {
				return err
			}
			p := growthPoint{orders: g.filled + g.measured, known: g.known()}
			memory, err := server.memory(ctx)
			if err != nil {
				return err
			}
			p.memory = memory - g.empty
			for range b.size.rounds {
				taken, cpu, err := g.window(ctx, min(orders/5, b.size.growthWindow))
				if err != nil {
					return err
				}
				p.took, p.cpu = append(p.took, taken), append(p.cpu, cpu)
			}
			if p.usual, p.p999, p.longest, err = server.scripts(ctx); err != nil {
				return err
			}
			points[kind] = append(points[kind], p)
		}
		g.stop()
		longest = append(longest, points[kind][len(b.size.growth)-1].longest)
	}
	for range b.size.rounds - len(longest) {
		b.progress("growth: another round for the longest script")
		taken, err := longestScript(ctx, slices.Max(b.size.growth))
		if err != nil {
			return err
		}
		longest = append(longest, taken)
	}
	b.reportGrowth(points, longest)
	return nil
}

func (b *benchmark) reportGrowth(points [len(growthKinds)][]growthPoint, longest sample) {
	s := b.section(
		"Growth", "orders in the store", "customers", "µs per order", "Redis µs of CPU per order",
		"Redis bytes per order", "one script: median ms", "99.9 %", "longest",
	)
	s.note(
		"The store is filled to a size; then windows of new orders (a fifth as many, at most %s) of "+
			"customers that it knows are recorded by one consumer, in batches of 1,000, without decoding.",
		whole(float64(b.size.growthWindow)),
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
				whole(n), whole(float64(p.known)), p.took.text(hundredths), p.cpu.text(hundredths),
				whole(p.memory/n), hundredths(p.usual), hundredths(p.p999), hundredths(p.longest),
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
		whole(n), len(longest), many.usual, many.p999,
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
		"at "+whole(float64(many.known))+" customers",
	)
	for kind, name := range growthKinds {
		grows := points[kind][last].took.median() / points[kind][0].took.median()
		cpu := points[kind][last].cpu.median() / points[kind][0].cpu.median()
		b.target(
			"time per order from 10⁴ to "+whole(n)+" orders", "grows ≤ 1.5 ×", times(grows), grows <= 1.5,
			name+"; Redis's CPU time grows "+times(cpu),
		)
	}
}

// startGrowing starts an empty store, and Redis's watch over its scripts.
func startGrowing(ctx context.Context, customers int) (*growing, error) {
	server, err := startRedis()
	if err != nil {
		return nil, err
	}
	g := &growing{server: server, customers: customers}
	server.setRealTimePriority()
	g.store, err = server.store(1)
	if err == nil {
		g.empty, err = server.memory(ctx)
	}
	if err == nil {
		err = server.watchScripts(ctx)
	}
	if err != nil {
		g.stop()
		return nil, err
	}
	return g, nil
}

func (g *growing) stop() {
	if g.store != nil {
		_ = g.store.Close()
	}
	g.server.stop()
}

// longestScript fills a store, each order of another customer, and returns the longest time of a
// script in ms.
func longestScript(ctx context.Context, orders int) (float64, error) {
	g, err := startGrowing(ctx, 0)
	if err != nil {
		return 0, err
	}
	defer g.stop()
	if err := g.fill(ctx, orders); err != nil {
		return 0, err
	}
	_, _, longest, err := g.server.scripts(ctx)
	return longest, err
}

// known is how many customers the store holds.
func (g *growing) known() int {
	if g.customers > 0 {
		return min(g.customers, g.filled)
	}
	return g.filled
}

// fill records orders up to a number, each of the next customer. One consumer leaves Redis a core.
func (g *growing) fill(ctx context.Context, until int) error {
	const chunk = 1000
	orders, outcomes := make([]order.Order, chunk), make([]ledger.Outcome, chunk)
	for g.filled < until {
		n := min(chunk, until-g.filled)
		for i := range n {
			customer := g.filled + i
			if g.customers > 0 {
				customer %= g.customers
			}
			orders[i] = numbered(g.filled+i, customer)
		}
		if err := g.store.Record(ctx, orders[:n], outcomes[:n]); err != nil {
			return err
		}
		g.filled += n
	}
	return nil
}

// window records new orders of known customers, and returns the time and Redis's processor time of
// one, in µs.
func (g *growing) window(ctx context.Context, n int) (took, cpu float64, err error) {
	// Their numbers are past all that fill gives.
	first := 100_000_000 + g.measured
	random := rand.New(rand.NewPCG(uint64(first), 1))
	orders, outcomes := make([]order.Order, n), make([]ledger.Outcome, n)
	known := g.known()
	for i := range orders {
		orders[i] = numbered(first+i, random.IntN(known))
	}
	before, err := g.server.cpu(ctx)
	if err != nil {
		return 0, 0, err
	}
	begun := time.Now()
	for start := 0; start < n; start += 1000 {
		end := min(start+1000, n)
		if err := g.store.Record(ctx, orders[start:end], outcomes[start:end]); err != nil {
			return 0, 0, err
		}
	}
	taken := time.Since(begun)
	after, err := g.server.cpu(ctx)
	if err != nil {
		return 0, 0, err
	}
	for i, outcome := range outcomes {
		if outcome != ledger.Recorded {
			return 0, 0, fmt.Errorf("order %d was not recorded: %v", first+i, outcome)
		}
	}
	g.measured += n
	return micros(taken) / float64(n), micros(after-before) / float64(n), nil
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
