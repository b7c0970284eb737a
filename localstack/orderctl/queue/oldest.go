package queue

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// ErrUnknown says that the age of the oldest message cannot be determined.
var ErrUnknown = errors.New("the age of the oldest message is not known")

// Metrics is the part of CloudWatch that OldestByMetric calls.
type Metrics interface {
	GetMetricStatistics(context.Context, *cloudwatch.GetMetricStatisticsInput,
		...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// metricSpan is how far back a data point may lie: SQS writes one a minute, some minutes late.
const metricSpan = 15 * time.Minute

// OldestByMetric returns the age of the queue's oldest message as CloudWatch last knew it. The
// metric lags by a few minutes, and is missing for a queue that was not used for hours.
func OldestByMetric(
	ctx context.Context, api Metrics, name string, now time.Time,
) (time.Duration, error) {
	out, err := api.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace:  aws.String("AWS/SQS"),
		MetricName: aws.String("ApproximateAgeOfOldestMessage"),
		Dimensions: []cw.Dimension{{Name: aws.String("QueueName"), Value: aws.String(name)}},
		StartTime:  aws.Time(now.Add(-metricSpan)),
		EndTime:    aws.Time(now),
		Period:     aws.Int32(60),
		Statistics: []cw.Statistic{cw.StatisticMaximum},
	})
	if err != nil || len(out.Datapoints) == 0 {
		return 0, ErrUnknown
	}
	newest := out.Datapoints[0]
	for _, d := range out.Datapoints {
		if d.Timestamp.After(*newest.Timestamp) {
			newest = d
		}
	}
	return time.Duration(aws.ToFloat64(newest.Maximum) * float64(time.Second)), nil
}

// mostListed bounds Listed: LocalStack lists whole queues only, at about 0.25 ms a message, and
// serves nothing else during that time.
const mostListed = 2000

// A Listing is what LocalStack's own list of messages says about a queue.
type Listing struct {
	Oldest   time.Duration // age of the oldest message
	Receives int           // the fewest receives of a message in flight; 0 when there is none
}

// Listed reads LocalStack's own list of messages, which has no CloudWatch metric for their age. No
// message is received, so no receive count grows. A queue with more than 2,000 messages is not
// listed.
func (q Queue) Listed(
	ctx context.Context, endpoint string, depth Depth, now time.Time,
) (Listing, error) {
	if depth.Total() > mostListed {
		return Listing{}, ErrUnknown
	}
	// A GET without an Action, which no emulator takes for a receive. A POST of ReceiveMessage, which
	// LocalStack answers in shorter JSON, hid a message for MiniStack, which ignores the path.
	query := url.Values{"QueueUrl": {q.URL}, "ShowInvisible": {"true"}, "ShowDelayed": {"true"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		endpoint+"/_aws/sqs/messages?"+query.Encode(), nil)
	if err != nil {
		return Listing{}, ErrUnknown
	}
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Listing{}, ErrUnknown
	}
	defer resp.Body.Close()
	var answer struct {
		ReceiveMessageResponse struct {
			ReceiveMessageResult *struct {
				Message oneOrMore[struct {
					Attribute oneOrMore[struct{ Name, Value string }]
				}]
			}
		}
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	if err != nil || resp.StatusCode != http.StatusOK {
		return Listing{}, ErrUnknown
	}

	var l Listing
	if answer.ReceiveMessageResponse.ReceiveMessageResult == nil {
		return l, nil
	}
	for _, m := range answer.ReceiveMessageResponse.ReceiveMessageResult.Message {
		attributes := map[string]string{}
		for _, a := range m.Attribute {
			attributes[a.Name] = a.Value
		}
		if ms, err := strconv.ParseInt(attributes["SentTimestamp"], 10, 64); err == nil {
			l.Oldest = max(l.Oldest, now.Sub(time.UnixMilli(ms)))
		}
		n, err := strconv.Atoi(attributes["ApproximateReceiveCount"])
		if err == nil && attributes["IsVisible"] == "false" && (l.Receives == 0 || n < l.Receives) {
			l.Receives = n
		}
	}
	return l, nil
}

// oneOrMore reads a list that has no brackets when it has one element: LocalStack makes this JSON
// from XML.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(text, &(*l)[0])
}
