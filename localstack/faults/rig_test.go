package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"orderpipeline/localstack/lab/labtest"
	"orderpipeline/localstack/lab/link"
	"orderpipeline/localstack/lab/queue"
	"orderpipeline/localstack/lab/sandbox"
	"orderpipeline/shared/redistest"
)

// setup says what a rig is built of. The zero setup is the usual one.
type setup struct {
	messages  int           // default 1200
	mix       mix           // default usual
	consumers int           // default 2
	batch     int           // most messages of a batch; default: another number each time
	timeout   time.Duration // of one invocation; default 30 s
	redis     []string      // arguments of redis-server
	cluster   bool          // three masters with a replica each, instead of one server
}

// A rig is the whole pipeline for one run of one fault.
type rig struct {
	*testing.T
	setup
	seed   uint64
	random *rand.Rand // of the test's own goroutine
	shards int

	redis   *redistest.Server  // nil with a cluster
	cluster *redistest.Cluster // nil without
	cloud
	consumers []*consumer
	source    *source
	sent      map[string]message // by first message id

	mu         sync.Mutex
	dice       *rand.Rand // of the faults, which strike from many goroutines
	deliveries int        // of messages to the function
	failed     int        // invocations
	struck     int        // faults
	spared     int        // how many chances come before the next strike
}

// A consumer is one instance of the order function with its own way to Redis.
type consumer struct {
	*labtest.Sandbox
	link *link.Link // nil with a cluster, whose nodes name their own addresses
}

func newRig(t *testing.T, seed uint64, s setup) *rig {
	r := &rig{
		T:      t,
		setup:  s,
		seed:   seed,
		random: rand.New(rand.NewPCG(seed, 1)),
		dice:   rand.New(rand.NewPCG(seed, 2)),
		sent:   map[string]message{},
		cloud:  newCloud(t),
	}
	r.spared = r.dice.IntN(3)
	if r.messages == 0 {
		r.messages = 1200
	}
	if r.mix == (mix{}) {
		r.mix = usual
	}
	r.source = &source{random: r.random, mix: r.mix}
	if r.timeout == 0 {
		r.timeout = 30 * time.Second
	}
	count := r.setup.consumers
	if count == 0 {
		count = 2
	}
	r.shards = []int{1, 3}[seed%2]
	if s.cluster {
		r.shards = 4
		r.cluster = redistest.StartCluster(t, 3, true)
	} else {
		// The promise rests on what Redis acknowledged being kept: hence always, as README says.
		r.redis = redistest.Start(t, append([]string{"--appendfsync", "always"}, s.redis...)...)
	}
	for range count {
		c := &consumer{}
		url := ""
		if s.cluster {
			url = r.cluster.URL()
		} else {
			c.link = labtest.Link(t, r.redis.Addr())
			url = "redis://" + c.link.Addr() + "/0"
		}
		c.Sandbox = labtest.Start(
			t,
			sandbox.Function{Path: binaries.orders, Timeout: r.timeout, Env: r.env(url)},
		)
		r.consumers = append(r.consumers, c)
	}
	return r
}

// startOrders starts an order function with the usual time limit.
func startOrders(t testing.TB, env ...string) *labtest.Sandbox {
	return labtest.Start(
		t,
		sandbox.Function{Path: binaries.orders, Timeout: 30 * time.Second, Env: env},
	)
}

// env is the environment of the functions.
func (r *rig) env(redisURL string) []string {
	return append(r.environment(),
		"REDIS_URL="+redisURL,
		"REDIS_CLUSTER="+strconv.FormatBool(r.cluster != nil),
		"LEDGER_SHARDS="+strconv.Itoa(r.shards),
		"LOG_LEVEL=warn",
	)
}

// fill sends random messages.
func (r *rig) fill() { r.send(r.source.next(r.messages)...) }

func (r *rig) send(messages ...message) {
	for _, m := range messages {
		r.sent[r.orders.Send(m.body)] = m
	}
}

// finish redrives what went to the dead-letter queue, and holds everything against the model.
func (r *rig) finish() verdict {
	r.Helper()
	r.calm()
	r.drain()
	for range 3 {
		if r.dlq.Redrive(r.orders) == 0 {
			break
		}
		r.drain()
	}
	users := map[string]bool{}
	for _, m := range r.sent {
		if m.order != nil {
			users[m.order.user] = true
		}
	}
	url := ""
	if r.redis != nil {
		url = r.redis.URL()
	} else {
		url = r.cluster.URL()
	}
	got, err := startAPI(r, r.env(url)...).read(users)
	if err != nil {
		r.Fatal(err)
	}
	v := judge(r.sent, r.rejected.Messages(), r.Origin, got)
	for _, q := range []*queue.Queue{r.orders, r.dlq} {
		if left := len(q.Messages()); left > 0 {
			v.problem("%d messages are left in %s", left, q.URL())
		}
	}
	return v
}

// strike lets a fault happen to some of the chunks for which it may: at so many, at random.
func (r *rig) strike(
	times int,
	may func(link.Chunk) bool,
	fault func(*consumer, link.Chunk) link.Verdict,
) {
	for _, c := range r.consumers {
		c.link.Watch(func(chunk link.Chunk) link.Verdict {
			if !may(chunk) || !r.chance(times) {
				return link.Pass()
			}
			return fault(c, chunk)
		})
	}
}

// calm ends what strike began.
func (r *rig) calm() {
	for _, c := range r.consumers {
		if c.link != nil {
			c.link.Watch(nil)
		}
	}
}

// chance is true so many times, now and then.
func (r *rig) chance(times int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.struck >= times {
		return false
	}
	if r.spared > 0 {
		r.spared--
		return false
	}
	r.spared = r.dice.IntN(5)
	r.struck++
	return true
}

// happened notes a fault that does not strike by chance.
func (r *rig) happened() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.struck++
}

func (r *rig) roll(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dice.IntN(n)
}

// up chunks carry requests, or parts of them.
func up(c link.Chunk) bool { return c.Up }

// down chunks carry answers of scripts: longer than those of small questions.
func down(c link.Chunk) bool { return !c.Up }

// describe tells the run in a line.
func (r *rig) describe() string {
	started := 0
	for _, c := range r.consumers {
		started += c.Processes()
	}
	return fmt.Sprintf(
		"%d messages, %d shards, %d deliveries, %d invocations failed, %d processes, struck %d times",
		len(r.sent),
		r.shards,
		r.deliveries,
		r.failed,
		started,
		r.struck,
	)
}

// shorten keeps a list of problems readable.
func shorten(problems []string) string {
	const most = 5
	problems = slices.Clone(problems)
	for i := range problems {
		if len(problems[i]) > 3000 {
			problems[i] = problems[i][:3000] + " …"
		}
	}
	if len(problems) > most {
		problems = append(problems[:most], fmt.Sprintf("… and %d more", len(problems)-most))
	}
	return strings.Join(problems, "\n")
}
