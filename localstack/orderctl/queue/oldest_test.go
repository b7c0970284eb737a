package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestListed(t *testing.T) {
	t.Parallel()
	message := func(sent time.Time, receives int, visible bool) string {
		return fmt.Sprintf(`{"MessageId":"x","Attribute":[{"Name":"SenderId","Value":"000000000000"},`+
			`{"Name":"SentTimestamp","Value":"%d"},{"Name":"ApproximateReceiveCount","Value":"%d"},`+
			`{"Name":"IsVisible","Value":"%v"}]}`, sent.UnixMilli(), receives, visible)
	}
	old := message(noon.Add(-time.Hour), 3, false)
	young := message(noon.Add(-time.Minute), 2, false)
	seen := message(noon.Add(-time.Minute), 1, true)
	for _, c := range []struct {
		name, result string
		want         Listing
	}{
		{"no message", "null", Listing{}},
		{"one message has no brackets", `{"Message":` + young + `}`, Listing{time.Minute, 2}},
		{"several", `{"Message":[` + young + "," + old + "," + seen + `]}`, Listing{time.Hour, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/_aws/sqs/messages" || r.URL.Query().Get("QueueUrl") != "http://q/orders" ||
					r.URL.Query().Get("ShowInvisible") != "true" ||
					// MiniStack would receive a message for either.
					r.Method != http.MethodGet || r.Header.Get("X-Amz-Target") != "" {
					http.Error(w, "wrong question", http.StatusBadRequest)
					return
				}
				_, _ = io.WriteString(w, `{"ReceiveMessageResponse":{"ReceiveMessageResult":`+c.result+`}}`)
			}))
			defer server.Close()
			q := Queue{URL: "http://q/orders"}
			got, err := q.Listed(t.Context(), server.URL, Depth{Visible: 3}, noon)
			if err != nil || got != c.want {
				t.Errorf("listing %v, error %v, want %v", got, err, c.want)
			}
		})
	}
	if _, err := (Queue{URL: "q"}).Listed(
		t.Context(), "http://127.0.0.1:1", Depth{Visible: mostListed + 1}, noon,
	); !errors.Is(err, ErrUnknown) {
		t.Errorf("a long queue: error %v, want ErrUnknown", err)
	}
}

type metrics []cw.Datapoint

func (m metrics) GetMetricStatistics(
	_ context.Context,
	in *cloudwatch.GetMetricStatisticsInput,
	_ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricStatisticsOutput, error) {
	if *in.MetricName != "ApproximateAgeOfOldestMessage" || *in.Dimensions[0].Value != "orders" {
		return nil, errors.New("wrong question")
	}
	return &cloudwatch.GetMetricStatisticsOutput{Datapoints: m}, nil
}

func TestOldestByMetricIsTheNewestDataPoint(t *testing.T) {
	t.Parallel()
	at := func(minutes int, seconds float64) cw.Datapoint {
		return cw.Datapoint{
			Timestamp: aws.Time(noon.Add(time.Duration(minutes) * time.Minute)),
			Maximum:   aws.Float64(seconds),
		}
	}
	got, err := OldestByMetric(
		t.Context(), metrics{at(-9, 999), at(-2, 90), at(-5, 30)}, "orders", noon,
	)
	if err != nil || got != 90*time.Second {
		t.Errorf("age %v, error %v, want 1m30s", got, err)
	}
	if _, err := OldestByMetric(t.Context(), metrics{}, "orders", noon); !errors.Is(err, ErrUnknown) {
		t.Errorf("no data: error %v, want ErrUnknown", err)
	}
}
