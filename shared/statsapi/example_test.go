package statsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"orderpipeline/shared/ledger"
	"orderpipeline/shared/order"
	"orderpipeline/shared/redistest/redisserver"
	"orderpipeline/shared/statsapi"
)

// An API is a plain http.Handler over a store.
func Example() {
	redis, err := redisserver.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer redis.Close()
	rdb, err := ledger.Connect(ledger.Connection{URL: redis.URL()})
	if err != nil {
		log.Fatal(err)
	}
	store, err := ledger.New(rdb, ledger.Options{Shards: 1, Retention: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	placed := time.Date(2024, time.December, 13, 10, 0, 0, 0, time.UTC)
	orders := []order.Order{
		{ID: "ORD1", UserID: "U1", Placed: placed, Value: 3998},
		{ID: "ORD2", UserID: "U1", Placed: placed, Value: 1999},
	}
	outcomes := make([]ledger.Outcome, len(orders))
	if err := store.Record(context.Background(), orders, outcomes); err != nil {
		log.Fatal(err)
	}

	api := statsapi.New(statsapi.Config{Store: store, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(api)
	defer server.Close()
	for _, path := range []string{
		"/users/U1/stats",
		"/stats/daily?start=2024-12-01&end=2024-12-31",
		"/stats/top/5",
		"/stats/monthly?from=2024-01",
	} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			var problem struct{ Detail string }
			if err := json.Unmarshal(body, &problem); err != nil {
				log.Fatal(err)
			}
			fmt.Println(response.StatusCode, problem.Detail)
			continue
		}
		fmt.Println(response.StatusCode, strings.TrimSpace(string(body)))
	}
	// Output:
	// 200 {"user_id":"U1","order_count":2,"total_spend":59.97}
	// 200 {"2024-12-13":{"orders":2,"revenue":59.97}}
	// 200 [{"user_id":"U1","total_spend":59.97}]
	// 422 from: unknown parameter, this route has start, end.
}
