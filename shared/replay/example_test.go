package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/archive/s3test"
	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest/redisserver"
	"orderpipeline/shared/replay"
)

// An archived order that Redis lost is counted by the first replay of its object. Another replay
// changes nothing.
func ExampleHandler_Invoke() {
	server, err := redisserver.Start()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	rdb, err := ledger.Connect(ledger.Connection{URL: server.URL()})
	if err != nil {
		panic(err)
	}
	defer rdb.Close()
	store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: 400 * 24 * time.Hour})
	if err != nil {
		panic(err)
	}

	s3 := s3test.Start("archive")
	defer s3.Close()
	key := archiveOrder(s3, time.Now())

	handler := replay.New(replay.Config{
		Ledger:  store,
		Archive: archive.NewBucket(s3.Config(), "archive"),
		Log:     slog.New(slog.DiscardHandler),
		Now:     time.Now,
	})
	request := fmt.Sprintf(`{"orderpipeline":"replay","kind":"replay","key":%q}`, key)
	for range 2 {
		answer, err := handler.Invoke(context.Background(), []byte(request))
		fmt.Println(string(answer), err)
	}
	// Output:
	// {"orders":1,"recorded":1,"duplicate":0,"conflict":0,"overflow":0,"value":40.00} <nil>
	// {"orders":1,"recorded":0,"duplicate":1,"conflict":0,"overflow":0,"value":0.00} <nil>
}

// archiveOrder stores an object with one order, as the order function does.
func archiveOrder(s3 *s3test.Server, now time.Time) (key string) {
	line := archive.Line{
		MessageID: "m1",
		SentAt:    now,
		Outcome:   archive.Recorded,
		Order:     order.Order{ID: "ORD1", UserID: "U1", Placed: now, Value: 4000},
		Body:      "the untouched body",
	}
	key = archive.Key(now, 1)
	s3.Write(key, archive.Encode(line))
	return key
}
