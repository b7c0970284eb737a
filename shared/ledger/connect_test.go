package ledger

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// dials counts the attempts to connect, and lets none succeed.
type dials struct {
	redis.Hook
	count atomic.Int64
}

func (d *dials) DialHook(redis.DialHook) redis.DialHook {
	return func(context.Context, string, string) (net.Conn, error) {
		d.count.Add(1)
		return nil, errors.New("connection refused")
	}
}
func (d *dials) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (d *dials) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestRefusedConnectionIsTriedTwice(t *testing.T) {
	t.Parallel()
	store := openStore(t, Connection{URL: "redis://127.0.0.1:1"})
	d := &dials{}
	store.rdb.AddHook(d)
	if _, err := store.Global(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	if got := d.count.Load(); got != 2 {
		t.Errorf("%d attempts to connect, want 2", got)
	}
}
