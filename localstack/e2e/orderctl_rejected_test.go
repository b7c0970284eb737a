package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOrderctlRepairsRefusedMessages(t *testing.T) {
	const marker = "ctl-repair"
	folder := t.TempDir()
	good := newOrder(marker+"-good", marker).body(t)
	zero := strings.Replace(
		newOrder(marker+"-zero", marker).body(t),
		`"quantity":2`,
		`"quantity":0`,
		1,
	)
	cut := newOrder(marker+"-cut", marker).body(t)
	cut = cut[:len(cut)-2]
	wantOrderctl(t, 0, nil, good+"\n"+zero+"\n"+cut+"\n", "populate", "-", "--lines", "--wait")

	var l listing
	for look := range 2 { // a look releases what it saw
		wantOrderctl(
			t, 0, &l, "", "rejected", "list", "--contains", marker, "--since", "1h", "--scan", "0",
		)
		if l.Matching != 2 || l.ByReason["invalid_field"] != 1 || l.ByReason["invalid_json"] != 1 {
			t.Fatalf("look %d: %+v; want one invalid_field and one invalid_json", look+1, l)
		}
	}
	wantOrderctl(
		t, 0, &l, "", "rejected", "list", "--contains", marker, "--reason", "invalid_field", "--scan",
		"0",
	)
	if l.Matching != 1 || l.Messages[0].Body != zero ||
		l.Messages[0].Attributes["field"] != "items[0].quantity" {
		t.Fatalf("%+v; want the untouched body and its field", l)
	}
	var shown struct{ Body string }
	wantOrderctl(t, 0, &shown, "", "rejected", "show", l.Messages[0].ID[:13])
	if shown.Body != zero {
		t.Errorf("show: %q, want %q", shown.Body, zero)
	}

	exported := filepath.Join(folder, "broken.ndjson")
	wantOrderctl(t, 0, nil, "", "rejected", "export", exported, "--contains", marker)
	wantOrderctl(t, 2, nil, "", "rejected", "export", exported) // never over a file that is there
	text, err := os.ReadFile(exported)
	if err != nil {
		t.Fatal(err)
	}
	var fixed strings.Builder
	for line := range strings.Lines(string(text)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		body := record["body"].(string)
		if body == cut {
			body += "}]}"[1:]
		}
		record["body"] = json.RawMessage(
			strings.Replace(body, `"quantity":0`, `"quantity":2`, 1),
		) // as an object
		repaired, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&fixed, "%s\n", repaired)
	}
	wantOrderctl(t, 4, nil, fixed.String(), "rejected", "resend", "-", "--delete") // not confirmed
	var resent struct{ Sent, Deleted int }
	wantOrderctl(
		t, 0, &resent, fixed.String(), "rejected", "resend", "-", "--delete", "--wait", "--yes",
	)
	if resent.Sent != 2 || resent.Deleted != 2 {
		t.Errorf("%+v; want 2 sent and 2 deleted", resent)
	}
	wantUser(t, marker, 3, "120.00")
	wantOrderctl(t, 0, &l, "", "rejected", "list", "--contains", marker, "--scan", "0")
	if l.Matching != 0 {
		t.Errorf("%d messages are still in the queue", l.Matching)
	}
}

// Whatever ends a look, and when: no message stays hidden.
func TestOrderctlReleasesWhatItHid(t *testing.T) {
	const marker, count = "ctl-release", 120
	var lines strings.Builder
	for i := range count {
		fmt.Fprintf(&lines, "%s %d\n", marker, i)
	}
	wantOrderctl(t, 0, nil, lines.String(), "populate", "-", "--lines", "--wait")
	for _, signal := range []syscall.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE,
	} {
		for _, after := range []time.Duration{50, 150, 300} {
			cmd := pipeline.Command(t.Context(), "bin/orderctl", "rejected", "export")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(after * time.Millisecond)
			_ = cmd.Process.Signal(signal)
			_ = cmd.Wait()
			var l listing
			wantOrderctl(t, 0, &l, "", "rejected", "list", "--contains", marker, "--scan", "0")
			if l.Matching != count {
				t.Errorf("%v after %d ms: %d of %d messages are visible", signal, after, l.Matching, count)
			}
		}
	}
	folder := t.TempDir()
	wantOrderctl(
		t, 0, nil, "", "rejected", "export", filepath.Join(folder, "gone"), "--contains", marker,
		"--delete", "--yes",
	)
}
