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
	"orderpipeline/shared/redistest/redisserver"
)

// setup says what a rig consists of. The zero setup is the usual one.
type setup struct {
	messages  int           // default 1200
	mix       mix           // default usual
	consumers int           // default 2
	batch     int           // most messages of a batch; default: another number each time
	timeout   time.Duration // of one invocation; default 30 s
	grace     time.Duration // after it, before the function is killed
	receives  int           // of a message before it goes to the dead-letter queue; default: template
	redis     []string      // arguments of redis-server
	cluster   bool          // three masters with a replica each, instead of one server
	// lossy: Redis forgets orders, so a message may be refused because of an order that Redis forgot
	// later. These runs have one shard: with several, the claim of an order may be lost without its
	// record, and another order with its id and a customer in another shard is then counted too.
	lossy    bool
	noReplay bool // the archive is written and never replayed
	damaged  bool // the test damages the archive: it is not compared with the model
}

// A rig is the whole pipeline for one run of one fault.
type rig struct {
	*testing.T
	setup
	seed   uint64
	random *rand.Rand // of the test's own goroutine
	shards int

	redis   *redistest.Server    // nil with a cluster
	cluster *redisserver.Cluster // nil without
	cloud
	consumers []*consumer // instances of the order function
	replayers []*consumer // instances of the replay function
	source    *source
	sent      map[string]message // by first message id

	mu         sync.Mutex
	dice       *rand.Rand // of the faults, which happen in many goroutines
	deliveries int        // of messages to the order function
	failed     int        // invocations of the order function that failed
	replayed   int        // invocations of the replay function
	unreplayed int        // invocations of the replay function that failed
	settled    int        // messages that were deleted from the queue of orders
	injected   int        // faults
	skip       int        // draws before the next fault
}

// A consumer is one instance of a function that consumes a queue, with its own link to Redis.
type consumer struct {
	*labtest.Sandbox
	link *link.Link // nil with a cluster, whose nodes announce their addresses
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
	if s.receives != 0 {
		r.orders.MaxReceives = s.receives
	}
	r.skip = r.dice.IntN(3)
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
	switch {
	case forced != 0:
		r.shards = int(forced)
	case s.lossy:
		r.shards = 1
	}
	if s.cluster {
		r.shards = 4
		r.cluster = redistest.StartCluster(t, 3, true)
	} else {
		// Without a replay the promise needs a Redis that keeps what it acknowledged: hence always.
		r.redis = redistest.Start(t, append([]string{"--appendfsync", "always"}, s.redis...)...)
	}
	for range count {
		r.consumers = append(r.consumers, r.instance(binaries.orders, r.timeout))
	}
	for range 2 {
		r.replayers = append(r.replayers, r.instance(binaries.replay, time.Minute))
	}
	return r
}

// instance prepares an instance of a function that has a link to Redis, or knows the cluster.
func (r *rig) instance(path string, timeout time.Duration) *consumer {
	c := &consumer{}
	url := ""
	if r.cluster != nil {
		url = r.cluster.URL()
	} else {
		c.link = labtest.Link(r, r.redis.Addr())
		url = "redis://" + c.link.Addr() + "/0"
	}
	c.Sandbox = labtest.Start(
		r, sandbox.Function{Path: path, Timeout: timeout, Grace: r.grace, Env: r.env(url)},
	)
	return c
}

// startOrders starts an order function with the usual time limit.
func startOrders(t testing.TB, env ...string) *labtest.Sandbox {
	return labtest.Start(
		t, sandbox.Function{Path: binaries.orders, Timeout: 30 * time.Second, Env: env},
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

// finish redrives what went to the dead-letter queue, and compares everything with the model.
func (r *rig) finish() verdict {
	r.Helper()
	r.stopFaults()
	r.drain()
	for range 3 {
		if r.dlq.Redrive(r.orders) == 0 {
			break
		}
		r.drain()
	}
	if !r.noReplay {
		r.heal()
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
	v := judge(r.sent, r.rejected.Messages(), r.Origin, got, r.lossy)
	if !r.damaged {
		judgeArchive(&v, r, got)
	}
	empty := []*queue.Queue{r.orders, r.dlq}
	if !r.noReplay {
		empty = append(empty, r.replay)
	}
	if !r.damaged {
		empty = append(empty, r.replayDLQ)
	}
	for _, q := range empty {
		if left := q.Messages(); len(left) > 0 {
			v.problem("%d messages are left in %s, the first: %v", len(left), q.URL(), left[0])
		}
	}
	return v
}

// inject lets a fault happen at random chunks among those for which may is true, at most this
// number of times.
func (r *rig) inject(
	times int, may func(link.Chunk) bool, fault func(*consumer, link.Chunk) link.Verdict,
) {
	for _, c := range r.consumers {
		c.link.Watch(func(chunk link.Chunk) link.Verdict {
			if !may(chunk) || !r.draw(times) {
				return link.Pass()
			}
			return fault(c, chunk)
		})
	}
}

// stopFaults ends every fault that inject and Judge began.
func (r *rig) stopFaults() {
	for _, c := range slices.Concat(r.consumers, r.replayers) {
		if c.link != nil {
			c.link.Watch(nil)
		}
	}
	r.bucket.Judge(nil)
	r.Judge(nil)
}

// draw is true now and then, at most this number of times.
func (r *rig) draw(times int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.injected >= times {
		return false
	}
	if r.skip > 0 {
		r.skip--
		return false
	}
	r.skip = r.dice.IntN(5)
	r.injected++
	return true
}

// noteFault notes a fault that inject does not know of.
func (r *rig) noteFault() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.injected++
}

func (r *rig) randomInt(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dice.IntN(n)
}

// underWay returns a condition that is true for chunks of requests when this number of batches is
// recorded and archived.
func (r *rig) underWay(batches int) func(link.Chunk) bool {
	return func(c link.Chunk) bool { return c.Up && len(r.bucket.Objects("")) >= batches }
}

// up is true for chunks of requests.
func up(c link.Chunk) bool { return c.Up }

// down is true for chunks of replies.
func down(c link.Chunk) bool { return !c.Up }

// describe returns a summary of the run in one line.
func (r *rig) describe() string {
	started := 0
	for _, c := range r.consumers {
		started += c.Processes()
	}
	return fmt.Sprintf("%d messages, %d shards, %d deliveries, %d invocations failed, %d processes, "+
		"%d objects, %d of %d replays failed, injected %d times",
		len(r.sent), r.shards, r.deliveries, r.failed, started,
		len(r.bucket.Objects("")), r.unreplayed, r.replayed, r.injected)
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
