package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"orderpipeline/shared/archive/s3test"
)

// A line is one line of an archive object, read without the code of the pipeline.
type line struct {
	MessageID string `json:"message_id"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason"`
	OrderID   string `json:"order_id"`
	UserID    string `json:"user_id"`
	Placed    string `json:"placed"`
	Value     string `json:"value"`
	Mismatch  bool   `json:"mismatch"`
	Body      string `json:"body"`
}

// counts reports whether the order of the line is part of the figures.
func (l line) counts() bool { return l.Outcome == "recorded" || l.Outcome == "duplicate" }

func readLines(object s3test.Object) ([]line, error) {
	zip, err := zstd.NewReader(bytes.NewReader(object.Data))
	if err != nil {
		return nil, err
	}
	defer zip.Close()
	var lines []line
	for decoder := json.NewDecoder(zip); decoder.More(); {
		var l line
		if err := decoder.Decode(&l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", object.Key, len(lines)+1, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// judgeArchive compares the archive with the messages that were sent: everything that was
// acknowledged has a line with its untouched body and the right outcome, and the orders of the
// counted lines add up to the figures of the store.
func judgeArchive(v *verdict, r *rig, got figures) {
	kept := map[string]bool{} // by first id: there is a line
	counted := map[string]*content{}
	conflicts := false // a message was counted, lost, and met a conflict when it was replayed
	for _, object := range r.bucket.Objects("messages/") {
		lines, err := readLines(object)
		if err != nil {
			v.problem("archive: %v", err)
			continue
		}
		for _, l := range lines {
			id := r.Origin(l.MessageID)
			m, known := r.sent[id]
			if !known {
				v.problem("archive: a line of a message that was not sent: %q", l.MessageID)
				continue
			}
			kept[id] = true
			for _, problem := range judgeLine(l, m) {
				v.problem("archive: %s: %s: %s", object.Key, problem, m.body)
			}
			if !l.counts() || m.order == nil {
				continue
			}
			if other := counted[m.order.id]; other != nil && other != m.order {
				conflicts = true
			}
			counted[m.order.id] = m.order
		}
	}
	for id, m := range r.sent {
		if !kept[id] {
			v.lost++
			v.problem("archive: no line of the acknowledged message %s: %s", id, m.body)
		}
	}
	if conflicts {
		return // judge has compared the figures with the messages
	}
	orders := make([]*content, 0, len(counted))
	for _, c := range counted {
		orders = append(orders, c)
	}
	if diff := gocmp.Diff(expect(orders), got); diff != "" {
		v.problem("the store's figures against the archive's (-archive +store):\n%s", diff)
	}
}

// judgeLine lists what is wrong with a line of a message.
func judgeLine(l line, m message) []string {
	var problems []string
	check := func(what, got, want string) {
		if got != want {
			problems = append(problems, fmt.Sprintf("%s: got %q, want %q", what, got, want))
		}
	}
	check("body", l.Body, m.body)
	if m.order == nil {
		check("outcome", l.Outcome, "invalid")
		check("reason", l.Reason, m.reason)
		return problems
	}
	if !l.counts() {
		check("outcome", l.Outcome, "invalid")
		check("reason", l.Reason, "order_id_conflict")
		return problems
	}
	check("order_id", l.OrderID, m.order.id)
	check("user_id", l.UserID, m.order.user)
	check("value", l.Value, decimal(m.order.cents()))
	if l.Mismatch != m.order.mismatch {
		problems = append(problems, fmt.Sprintf("mismatch: got %t", l.Mismatch))
	}
	placed, err := time.Parse(time.RFC3339Nano, l.Placed)
	if err != nil || !placed.Equal(m.order.placed) {
		problems = append(problems, fmt.Sprintf("placed: got %s, want %s", l.Placed, m.order.placed))
	}
	return problems
}

// replays delivers what is visible in the replay queue to one replay function, until nothing is.
func (r *rig) replays(c *consumer, random *rand.Rand) {
	for {
		batch := r.replay.Receive(1 + random.IntN(10))
		if len(batch) == 0 {
			return
		}
		result := c.Invoke(r.event(batch))
		r.mu.Lock()
		r.replayed++
		if result.Error != "" {
			r.unreplayed++
		}
		r.mu.Unlock()
		if done, ok := r.done(result, batch); ok {
			r.replay.Delete(done)
		}
	}
}

// pollReplays lets every replay function take messages until none is visible.
func (r *rig) pollReplays() {
	var group sync.WaitGroup
	for i, c := range r.replayers {
		random := rand.New(rand.NewPCG(r.seed, uint64(10+i)))
		group.Go(func() { r.replays(c, random) })
	}
	group.Wait()
}

// heal lets the replay functions take everything that waits in their queue.
func (r *rig) heal() {
	r.Helper()
	for range 200 {
		wait, more := r.replay.Wait()
		if !more {
			return
		}
		r.Advance(wait)
		r.pollReplays()
	}
	r.Fatalf("%d messages are still in the replay queue", len(r.replay.Messages()))
}

// replayAll asks for a replay of every object of the archive.
func (r *rig) replayAll(kind string) {
	for _, object := range r.bucket.Objects("messages/") {
		request, err := json.Marshal(map[string]string{
			"orderpipeline": "replay", "kind": kind, "key": object.Key,
		})
		if err != nil {
			r.Fatal(err)
		}
		r.replay.Send(string(request))
	}
}

// refusedTwice lists messages that have more than one entry among the rejected ones.
func (r *rig) refusedTwice() []string {
	entries := map[string]int{}
	for _, m := range r.rejected.Messages() {
		entries[r.Origin(m.Attributes["source_message_id"])]++
	}
	var twice []string
	for id, n := range entries {
		if n > 1 {
			twice = append(twice, fmt.Sprintf("%s: %d entries", id, n))
		}
	}
	slices.Sort(twice)
	return twice
}
