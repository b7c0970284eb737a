// Package protocol is how the replay function is asked for something, and what it answers. orderctl
// uses it without the rest of the function.
package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"orderpipeline/shared/order"
)

// A Request asks for one operation. It is the payload of a direct invocation, or the body of a
// message in the queue orders-replay.
type Request struct {
	// Operation is replay, begin or state. begin and state only work by direct invocation.
	Operation string `json:"orderpipeline"`
	// Kind of a replay: replay (what Redis lost is healed), rebuild (a new store is filled) or import
	// (the orders were never messages).
	Kind string `json:"kind,omitempty"`
	// Key of the object that is replayed.
	Key string `json:"key,omitempty"`
	// Confirm must be the name of the stack for begin, which deletes all figures.
	Confirm string `json:"confirm,omitempty"`
}

// What a Request asks for.
const (
	Replay = "replay"
	Begin  = "begin"
	State  = "state"

	KindReplay  = "replay"
	KindRebuild = "rebuild"
	KindImport  = "import"
)

// Errors about an object for which another attempt gives the same result. Their texts begin the
// error of a direct invocation.
var (
	ErrUnreadable = errors.New("unreadable")
	ErrTooOld     = errors.New("too old")
)

// Final says whether an error of the function, as text, is one of those.
func Final(text string) bool {
	return strings.HasPrefix(text, ErrUnreadable.Error()+": ") ||
		strings.HasPrefix(text, ErrTooOld.Error()+": ")
}

// Counted is the answer to a replay: what happened to the orders of the object.
type Counted struct {
	Orders    int64       `json:"orders"`    // lines that count
	Recorded  int64       `json:"recorded"`  // counted now
	Duplicate int64       `json:"duplicate"` // had been counted before
	Conflict  int64       `json:"conflict"`  // another order has the id: sent to orders-rejected
	Overflow  int64       `json:"overflow"`  // a sum would pass its limit: sent to orders-rejected
	Value     order.Cents `json:"value"`     // of the orders counted now
}

// Add adds the answer for another object.
func (c *Counted) Add(other Counted) {
	c.Orders += other.Orders
	c.Recorded += other.Recorded
	c.Duplicate += other.Duplicate
	c.Conflict += other.Conflict
	c.Overflow += other.Overflow
	c.Value += other.Value
}

// Cleared is the answer to begin. While Done is false the request must be repeated.
type Cleared struct {
	Done    bool  `json:"done"`
	Deleted int64 `json:"deleted"` // keys
}

// Found is the answer to state.
type Found struct {
	Layout string `json:"layout,omitempty"` // version:shards:zone; empty where nothing was counted
	Orders int64  `json:"orders"`
}

// Parse reads a Request. A payload that is something else has no Operation.
func Parse(payload []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(payload, &r); err != nil {
		return Request{}, fmt.Errorf("%w: it is not JSON: %w", ErrUnreadable, err)
	}
	return r, nil
}
