package answer_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// roundTrip writes v, compares the text and reads it back.
func roundTrip[T any](t *testing.T, v T, want string) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	var read T
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func month(t *testing.T, text string) order.Month {
	t.Helper()
	m, err := order.ParseMonth(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMonthsAreWrittenInOrderAndReadBack(t *testing.T) {
	t.Parallel()
	roundTrip(t, answer.Months{
		{Date: month(t, "2023-12"), Period: answer.Period{Orders: 1, Revenue: 5}},
		{Date: month(t, "2024-01"), Period: answer.Period{Orders: 2, Revenue: 900_000_000_000_000_001}},
	}, `{"2023-12":{"orders":1,"revenue":0.05},"2024-01":{"orders":2,"revenue":9000000000000000.01}}`)
	roundTrip(t, answer.Months{}, `{}`)
}

func TestDaysAreWrittenInOrderAndReadBack(t *testing.T) {
	t.Parallel()
	roundTrip(t, answer.Days{
		{Date: day(t, "2023-12-31"), Period: answer.Period{Orders: 1, Revenue: 5}},
		{Date: day(t, "2024-02-29"), Period: answer.Period{Orders: 2, Revenue: 3998}},
	}, `{"2023-12-31":{"orders":1,"revenue":0.05},"2024-02-29":{"orders":2,"revenue":39.98}}`)
}

func day(t *testing.T, text string) order.Day {
	t.Helper()
	d, err := order.ParseDay(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestMonthsRefuseOtherNames(t *testing.T) {
	t.Parallel()
	texts := []string{
		`{"2024":{"orders":1,"revenue":1.00}}`, `[]`, `{"2024-01":{"orders":"1"}}`,
	}
	for _, text := range texts {
		var months answer.Months
		if err := json.Unmarshal([]byte(text), &months); err == nil {
			t.Errorf("%s was read as %v", text, months)
		}
	}
}

func TestUnknownCountersAreAbsentNotZero(t *testing.T) {
	t.Parallel()
	queues := []answer.Queue{
		{Queue: "orders", Depth: answer.Depth{Visible: 1, InFlight: 2, Delayed: 3}},
	}
	roundTrip(t, answer.Messages{Queues: queues},
		`{"redis_up":false,"queues":[{"queue":"orders","visible":1,"in_flight":2,"delayed":3}]}`)
	roundTrip(t, answer.Messages{
		RedisUp: true, Queues: []answer.Queue{},
		Counts: &answer.Counts{Recorded: 1, Refused: map[order.Reason]int64{order.InvalidJSON: 2}},
	},
		`{"recorded":1,"duplicate":0,"mismatch":0,"healed":0,"failed":0,`+
			`"refused":{"invalid_json":2},"redis_up":true,"queues":[]}`)
	if got := queues[0].Total(); got != 6 {
		t.Errorf("total is %d, want 6", got)
	}
}
