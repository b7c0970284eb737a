package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestSendNamesTheMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0)
	var out, errOut bytes.Buffer
	cmd := d.orderctl(t, "send", "--order-id", "ORD1", "--user", "U1", "--item", "P1:1:1")
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if got := code(cmd.Run()); got != exitDone {
		t.Fatalf("exit code: got %d, want %d\n%s", got, exitDone, &errOut)
	}
	sent := d.other.Messages()
	if len(sent) != 1 {
		t.Fatalf("messages in the queue: got %d, want 1", len(sent))
	}
	if got, want := out.String(), "sent ORD1 (message "+sent[0].ID+")\n"; got != want {
		t.Errorf("standard output: got %q, want %q", got, want)
	}
	if !strings.Contains(sent[0].Body, `"order_id":"ORD1"`) {
		t.Errorf("body: got %s, want the order", sent[0].Body)
	}
}
