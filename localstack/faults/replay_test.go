package faults

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"orderpipeline/localstack/lab/link"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/redistest"
)

// TestReplay replays the archive in every way in which it must change nothing, and breaks the
// replay.
func TestReplay(t *testing.T) {
	runAll(t, []fault{
		{name: "replayed twice", harmless: true, run: func(r *rig) {
			r.fill()
			r.drain()
			r.heal()
			r.replayAll("replay")
			r.heal()
			r.replayAll("replay")
		}},
		{name: "replayed beside live traffic", harmless: true, run: func(r *rig) {
			for range 6 {
				r.send(r.source.next(r.messages / 6)...)
				r.replayAll("replay")
				r.together(r.poll, r.pollReplays)
			}
			r.drain()
		}},
		{name: "two replays of every object at once", harmless: true, run: func(r *rig) {
			r.fill()
			r.drain()
			r.do("flushall")
			r.replayAll("replay")
			r.replayAll("replay")
			r.heal()
		}},
		{name: "replay killed and its answers lost", run: func(r *rig) {
			r.batch = 50
			r.fill()
			r.drain()
			r.do("flushall")
			for _, c := range r.replayers {
				c.link.Watch(func(chunk link.Chunk) link.Verdict {
					if !up(chunk) || !r.draw(6) {
						return link.Pass()
					}
					c.Kill()
					return link.Cut(r.randomInt(len(chunk.Data)))
				})
			}
			r.heal()
		}},
		{
			name:  "S3 refuses, hangs and throttles the replay",
			setup: setup{messages: 600, batch: 50},
			run: func(r *rig) {
				r.fill()
				r.drain()
				r.do("flushall")
				r.bucket.Judge(func(call s3test.Call) s3test.Fault {
					if call.Operation != s3test.Get || !r.draw(6) {
						return s3test.Fault{}
					}
					return []s3test.Fault{
						{Status: 500, Code: "InternalError"},
						{Status: 503, Code: "SlowDown"},
						{Drop: true},
						{Delay: time.Second},
					}[r.randomInt(4)]
				})
				r.heal()
			},
		},
		{name: "Redis away during the replay", setup: setup{messages: 600, batch: 50}, run: func(r *rig) {
			r.fill()
			r.drain()
			r.do("flushall")
			r.noteFault()
			r.redis.Kill()
			for range 2 {
				wait, _ := r.replay.Wait()
				r.Advance(wait)
				r.pollReplays()
			}
			r.redis.Restart()
			r.heal()
		}},
		{
			name:  "an object older than the retention",
			setup: setup{damaged: true, messages: 600, batch: 50},
			run:   (*rig).oldObject,
		},
		{
			name:  "objects that are broken",
			setup: setup{damaged: true, messages: 600, batch: 50},
			run:   (*rig).brokenObjects,
		},
	})
}

// together runs several steps at the same time.
func (r *rig) together(steps ...func()) {
	var group sync.WaitGroup
	for _, step := range steps {
		group.Go(step)
	}
	group.Wait()
}

// brokenObjects adds objects that no replay can read: each must end in the dead-letter queue of
// replays with its key, hold up nothing, and count nothing.
func (r *rig) brokenObjects() {
	r.fill()
	r.drain()
	r.noteFault()
	whole := r.bucket.Objects("messages/")
	good := whole[r.randomInt(len(whole))]
	folder, name := cutKey(good.Key)
	text, err := decompress(good.Data)
	if err != nil {
		r.Fatal(err)
	}
	lines := `{"message_id":"m","outcome":"recorded","order_id":"BROKEN","user_id":"U1",` +
		`"placed":"2024-05-01T12:00:00Z","value":"1.00","body":"{}"}` + "\n"
	broken := map[string][]byte{
		"truncated":              good.Data[:len(good.Data)/2],
		"empty":                  {},
		"no compression":         []byte(lines),
		"a broken line":          compress(text + `{"message_id":` + "\n"),
		"no JSON object":         compress(`["a"]` + "\n"),
		"no amount":              compress(strings.Replace(lines, `"1.00"`, `"1.0.0"`, 1)),
		"another version":        compress(strings.Replace(lines, "{", `{"v":2,`, 1)),
		"an unknown outcome":     compress(strings.Replace(lines, "recorded", "guessed", 1)),
		"a line that never ends": compress(`{"message_id":"` + strings.Repeat("x", 20<<20)),
	}
	want := map[string]string{}
	n := 0
	for what, data := range broken {
		n++
		key := folder + name[:len("20060102T150405.000000Z-")] + fmt.Sprintf("%016x", n) + suffix(name)
		r.bucket.Write(key, data)
		want[key] = what
	}
	r.heal()
	for _, m := range r.replayDLQ.Messages() {
		text := m.Body
		for _, value := range m.Attributes {
			text += " " + value
		}
		for key := range want {
			if strings.Contains(text, key) || strings.Contains(text, escape(key)) {
				delete(want, key)
			}
		}
	}
	for key, what := range want {
		r.Errorf("an object that is broken (%s) is not in orders-replay-dlq: %s", what, key)
	}
	if got := len(r.replayDLQ.Messages()); got != n {
		r.Errorf("messages in orders-replay-dlq: got %d, want %d", got, n)
	}
}

// oldObject replays an object that is older than the retention: into an old store, whose markers of
// that time are gone, it must be refused; into a new store it must be counted.
func (r *rig) oldObject() {
	r.fill()
	r.drain()
	r.heal()
	r.noteFault()
	for shard := range r.shards {
		begun := time.Now().AddDate(0, 0, -1000).Unix()
		r.do("hset", fmt.Sprintf("{o%d}totals", shard), "begun", begun)
	}
	objects := r.bucket.Objects("messages/")
	old := time.Now().UTC().AddDate(0, 0, -900)
	_, name := cutKey(objects[0].Key)
	key := "messages/v1/" + old.Format("date=2006-01-02/hour=15/20060102T150405.000000Z") +
		name[strings.IndexByte(name, '-'):]
	r.bucket.Write(key, objects[0].Data)
	r.heal()
	dead := r.replayDLQ.Messages()
	if len(dead) != 1 {
		r.Fatalf("messages in orders-replay-dlq: got %d, want the old object alone", len(dead))
	}
	if reason := dead[0].Attributes["reason"]; reason != "too_old" {
		r.Errorf("reason of the old object: got %q, want too_old", reason)
	}

	r.do("flushall")
	r.replayAll("rebuild")
	r.heal()
	if dead := r.replayDLQ.Messages(); len(dead) != 1 {
		r.Errorf(
			"messages in orders-replay-dlq after a replay into a new store: got %d, want 1",
			len(dead),
		)
	}
}

func cutKey(key string) (folder, name string) {
	at := strings.LastIndexByte(key, '/') + 1
	return key[:at], key[at:]
}

// suffix is the end of an object's name after its random number.
func suffix(name string) string { return name[strings.IndexByte(name, '.')+len(".000000Z-")+16:] }

// escape writes a key as a notification does.
func escape(key string) string {
	return strings.NewReplacer("=", "%3D", "/", "%2F").Replace(key)
}

func decompress(data []byte) (string, error) {
	zip, err := zstd.NewReader(nil)
	if err != nil {
		return "", err
	}
	defer zip.Close()
	text, err := zip.DecodeAll(data, nil)
	return string(text), err
}

func compress(text string) []byte {
	var data bytes.Buffer
	zip, err := zstd.NewWriter(&data)
	if err == nil {
		_, err = zip.Write([]byte(text))
	}
	if err == nil {
		err = zip.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return data.Bytes()
}

// TestRebuild fills a new store from the archive, with another number of shards, and is
// interrupted.
func TestRebuild(t *testing.T) {
	into := func(shards int, cluster bool) func(*rig) {
		return func(r *rig) { r.rebuild(shards, cluster) }
	}
	runAll(t, []fault{
		{name: "rebuilt into one shard, interrupted", setup: setup{batch: 60}, run: into(1, false)},
		{name: "rebuilt into four shards, interrupted", setup: setup{batch: 60}, run: into(4, false)},
		{name: "rebuilt into a cluster, interrupted", setup: setup{batch: 60}, run: into(4, true)},
	})
}

// rebuild gives the pipeline an empty Redis, replays the archive into it, kills the replay at
// random moments and starts it again.
func (r *rig) rebuild(shards int, cluster bool) {
	r.fill()
	r.drain()
	r.heal()
	before := len(r.bucket.Objects("messages/"))

	r.shards = shards
	r.redis, r.cluster = nil, nil
	if cluster {
		r.cluster = redistest.StartCluster(r, 3, false)
	} else {
		r.redis = redistest.Start(r, "--appendfsync", "always")
	}
	r.consumers = []*consumer{r.instance(binaries.orders, r.timeout)}
	r.replayers = []*consumer{
		r.instance(binaries.replay, time.Minute), r.instance(binaries.replay, time.Minute),
	}
	for range 2 {
		r.replayAll("rebuild")
		gets := 0 // every sixth read of an object kills both replay functions, four times at most
		var mu sync.Mutex
		r.bucket.Judge(func(call s3test.Call) s3test.Fault {
			mu.Lock()
			defer mu.Unlock()
			if call.Operation != s3test.Get {
				return s3test.Fault{}
			}
			if gets++; gets%6 != 3 || gets > 24 {
				return s3test.Fault{}
			}
			r.noteFault()
			for _, c := range r.replayers {
				c.Kill()
			}
			return s3test.Fault{Drop: true}
		})
		r.heal()
	}
	if after := len(r.bucket.Objects("messages/")); after != before {
		r.Errorf("objects of the archive: got %d after the rebuild, want %d", after, before)
	}
	// The next orders are counted in the new store.
	r.send(r.source.next(100)...)
	r.drain()
}
