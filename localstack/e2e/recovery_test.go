package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A verification is the part of `archive verify --json` that the tests look at.
type verification struct {
	Equal       bool   `json:"equal"`
	Compared    int    `json:"compared"`
	Faults      int    `json:"faults_total"`
	TimeZone    string `json:"time_zone"`
	Differences []struct {
		Figure  string `json:"figure"`
		Name    string `json:"name"`
		Verdict string `json:"verdict"`
	} `json:"differences"`
}

// wantVerified fails the test unless every figure of the API is that of the archive.
func wantVerified(t *testing.T) {
	t.Helper()
	var v verification
	wantOrderctl(t, 0, &v, "", "archive", "verify", "--pause")
	if !v.Equal || v.Compared < 5 {
		t.Errorf("verification %+v; want all figures equal", v)
	}
}

// answers are the answers of every route with figures, byte for byte.
func answers(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{
		"/stats/global", "/stats/top/1000", "/stats/monthly?start=1970-01&end=2069-12",
		"/stats/daily?start=2024-01-01&end=2024-12-31",
	} {
		fmt.Fprintf(&all, "%s %s\n", path, read(t, path))
	}
	return all.String() + strings.Join(customers(t), "\n")
}

// customers are all customers, sorted: they are listed in no particular order.
func customers(t *testing.T) (all []string) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Users []json.RawMessage `json:"users"`
			Next  string            `json:"next"`
		}
		decode(t, "/users?limit=1000"+cursor, &page)
		for _, u := range page.Users {
			all = append(all, string(u))
		}
		if page.Next == "" {
			slices.Sort(all)
			return all
		}
		cursor = "&cursor=" + page.Next
	}
}

func TestEveryFigureIsThatOfTheArchive(t *testing.T) {
	if code, out, errOut := orderctl(
		t, "", "bulk", "2000", "--users", "50", "--duplicates", "0.05", "--broken", "0.02",
		"--conflicts", "0.02", "--wait",
	); code != 0 {
		t.Fatalf("bulk: exit code %d\n%s%s", code, out, errOut)
	}
	wantVerified(t)
}

// fileOf makes a file of n orders of one customer.
func fileOf(t *testing.T, prefix string, n int) string {
	t.Helper()
	var bodies []string
	for i := range n {
		bodies = append(bodies, newOrder(fmt.Sprintf("%s-%d", prefix, i), prefix).body(t))
	}
	return strings.Join(bodies, ",\n")
}

// write writes a file of the test and returns its name.
func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImportCountsAFileThroughTheArchive(t *testing.T) {
	const n = 3000
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := io.WriteString(
		zip,
		`{"orders":[`+fileOf(t, "imported", n)+`,{"order_id":"broken"}]}`,
	); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	path := write(t, "orders.json.gz", packed.Bytes())

	wantOrderctl(t, 1, nil, "", "check", path)
	wantOrderctl(t, 1, nil, "", "import", path) // not without --invalid
	type imported struct {
		Equal   bool           `json:"equal"`
		Refused map[string]int `json:"refused"`
		Counted struct {
			Recorded  int         `json:"recorded"`
			Duplicate int         `json:"duplicate"`
			Value     json.Number `json:"value"`
		} `json:"counted"`
	}
	var first, second imported
	aside := filepath.Join(t.TempDir(), "refused.ndjson")
	wantOrderctl(t, 0, &first, "", "import", path, "--invalid", aside)
	if !first.Equal || first.Counted.Recorded != n || first.Counted.Value != "120000.00" ||
		first.Refused["missing_field"] != 1 {
		t.Errorf("import: %+v; want %d orders recorded, worth 120000.00", first, n)
	}
	wantUser(t, "imported", n, "120000.00")
	if text, err := os.ReadFile(aside); err != nil ||
		!strings.Contains(string(text), `"line":3000,"reason":"missing_field"`) {
		t.Errorf("the file of refused orders: %v\n%s", err, text)
	}

	wantOrderctl(
		t, 0, &second, "", "import", path, "--invalid", filepath.Join(t.TempDir(), "refused.ndjson"),
	)
	if !second.Equal || second.Counted.Recorded != 0 || second.Counted.Duplicate != n {
		t.Errorf("import of the same file: %+v; want %d duplicates", second, n)
	}
	wantVerified(t)
}

// redisCLI runs a command in the deployment's Redis.
func redisCLI(t *testing.T, args ...string) {
	t.Helper()
	if out, err := pipeline.Command(t.Context(), "bin/redis-cli", args...).
		CombinedOutput(); err != nil {
		t.Fatalf("redis-cli %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAChangedFigureIsNamedAndMended(t *testing.T) {
	mustSend(t, newOrder("mend-1", "mend").body(t))
	wantUser(t, "mend", 1, "40.00")
	before := answers(t)
	redisCLI(t, "HINCRBY", "{o0}months", "2024-12", "1")

	var v verification
	wantOrderctl(t, 1, &v, "", "archive", "verify", "--pause")
	if len(v.Differences) != 1 || v.Differences[0].Figure != "month" ||
		v.Differences[0].Name != "2024-12" ||
		v.Differences[0].Verdict != "not in the archive" {
		t.Errorf("differences %+v; want December 2024 alone", v.Differences)
	}
	wantOrderctl(t, 0, nil, "", "rebuild", "--yes")
	if after := answers(t); after != before {
		t.Errorf("answers after the rebuild:\n%s\nwant\n%s", after, before)
	}
	wantVerified(t)
}

// Redis loses everything while orders arrive. What was archived in the last minutes is healed by
// itself; the rest, which had been replayed before the loss, is healed by a replay of the whole
// archive.
func TestALossInMidTrafficIsHealed(t *testing.T) {
	const n = 2000
	path := write(t, "traffic.json", []byte("["+fileOf(t, "traffic", n)+"]"))
	sending := pipeline.Command(t.Context(), "bin/orderctl", "populate", path, "--parallel", "2")
	if err := sending.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if _, body := get(t, "/users/traffic/stats"); !strings.Contains(body, "order_count") {
			return fmt.Errorf("no order was counted yet: %s", body)
		}
		return nil
	})
	redisCLI(t, "FLUSHALL")
	if err := sending.Wait(); err != nil {
		t.Fatalf("populate: %v", err)
	}

	// On a busy machine; it takes the delay of the replay queue.
	deadline := time.Now().Add(5 * time.Minute)
	want := fmt.Sprintf(`{"user_id":"traffic","order_count":%d,"total_spend":80000.00}`, n)
	for {
		_, body := get(t, "/users/traffic/stats")
		if body == want {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the figures are not right again: %s; want %s", body, want)
		}
		time.Sleep(time.Second)
	}
	wantOrderctl(t, 0, nil, "", "archive", "replay")
	wantVerified(t)
}

func TestRebuildIntoOtherShards(t *testing.T) {
	if code, out, errOut := orderctl(
		t, "", "bulk", "500", "--users", "40", "--mismatches", "0.1", "--wait",
	); code != 0 {
		t.Fatalf("bulk: exit code %d\n%s%s", code, out, errOut)
	}
	before := answers(t)
	for _, shards := range []string{"4", "1"} {
		deploy := pipeline.Command(t.Context(), "localstack/local", "up")
		deploy.Env = append(deploy.Env, "LEDGER_SHARDS="+shards)
		if out, err := deploy.CombinedOutput(); err != nil {
			t.Fatalf("deploy with %s shards: %v\n%s", shards, err, out)
		}
		wantOrderctl(t, 0, nil, "", "rebuild", "--yes")
		if after := answers(t); after != before {
			t.Errorf("answers with %s shards:\n%s\nwant\n%s", shards, after, before)
		}
		wantVerified(t)
	}
}

func TestAnInterruptedPauseStartsTheMappingsAgain(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := pipeline.Command(t.Context(), "bin/orderctl", "archive", "verify", "--pause")
		said, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		word := make([]byte, len("stopping"))
		if _, err := io.ReadFull(said, word); err != nil || string(word) != "stopping" {
			t.Errorf("standard error begins with %q, error %v", word, err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, said)
		err = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%s: %v; want exit code 130", signal, err)
		}
		for _, mapping := range []string{"EventSourceMappingId", "ReplayMappingId"} {
			wantEnabled(t, pipeline.Outputs[mapping])
		}
	}
	mustSend(t, newOrder("paused-1", "paused").body(t))
	wantUser(t, "paused", 1, "40.00")
}

func wantEnabled(t *testing.T, mapping string) {
	t.Helper()
	eventually(t, func() error {
		out, err := pipeline.Command(t.Context(), "bin/awslocal", "lambda",
			"get-event-source-mapping", "--uuid", mapping, "--query", "State", "--output", "text").
			Output()
		if err != nil || strings.TrimSpace(string(out)) != "Enabled" {
			return fmt.Errorf("the mapping is %s, error %w", out, err)
		}
		return nil
	})
}

func TestTraceFindsWhatBecameOfAnOrder(t *testing.T) {
	mustSend(t, newOrder("traced-1", "traced").body(t))
	wantUser(t, "traced", 1, "40.00")
	id := mustSend(t, `{"order_id":"traced-2"}`)
	type traced struct {
		Verdict string `json:"verdict"`
		Archive []struct {
			Entry struct {
				Outcome string `json:"outcome"`
			} `json:"entry"`
		} `json:"archive"`
		Queues []struct {
			Queue  string `json:"queue"`
			Reason string `json:"reason"`
		} `json:"queues"`
	}
	var counted, refused traced
	wantOrderctl(t, 0, &counted, "", "trace", "traced-1", "--no-log")
	if counted.Verdict != "counted" || len(counted.Archive) != 1 {
		t.Errorf("trace of an order: %+v", counted)
	}
	eventually(t, func() error { // until the message is settled
		code, out, errOut := orderctl(t, "", "trace", id, "--json")
		if code != 0 {
			return fmt.Errorf("exit code %d\n%s%s", code, out, errOut)
		}
		refused = traced{}
		if err := json.Unmarshal([]byte(out), &refused); err != nil {
			return err
		}
		if len(refused.Archive) != 1 || refused.Archive[0].Entry.Outcome != "invalid" ||
			len(refused.Queues) != 1 ||
			refused.Queues[0].Reason != "missing_field" {
			return fmt.Errorf("trace of a refused message: %s", out)
		}
		return nil
	})
	wantOrderctl(t, 1, nil, "", "trace", "no-such-order", "--no-log")
}
