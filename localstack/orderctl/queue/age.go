package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// ErrAgeUnknown: the age of the oldest message cannot be found out.
var ErrAgeUnknown = errors.New("the age of the oldest message is not known")

// Metrics is the part of CloudWatch that AgeByMetric needs.
type Metrics interface {
	GetMetricStatistics(ctx context.Context, in *cloudwatch.GetMetricStatisticsInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error)
}

// metricSpan is how far back a data point may lie: SQS writes one a minute, some minutes late.
const metricSpan = 15 * time.Minute

// AgeByMetric is the age of the queue's oldest message as CloudWatch last knew it. The metric lags by a few minutes, and
// is missing for a queue that was not used for hours.
func AgeByMetric(ctx context.Context, api Metrics, name string, now time.Time) (time.Duration, error) {
	out, err := api.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace:  aws.String("AWS/SQS"),
		MetricName: aws.String("ApproximateAgeOfOldestMessage"),
		Dimensions: []cw.Dimension{{Name: aws.String("QueueName"), Value: aws.String(name)}},
		StartTime:  aws.Time(now.Add(-metricSpan)),
		EndTime:    aws.Time(now),
		Period:     aws.Int32(60),
		Statistics: []cw.Statistic{cw.StatisticMaximum},
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %s", ErrAgeUnknown, plain(err))
	}
	var newest cw.Datapoint
	for _, d := range out.Datapoints {
		if newest.Timestamp == nil || d.Timestamp.After(*newest.Timestamp) {
			newest = d
		}
	}
	if newest.Timestamp == nil {
		return 0, fmt.Errorf("%w: CloudWatch has no data of the last %s", ErrAgeUnknown, metricSpan)
	}
	return time.Duration(aws.ToFloat64(newest.Maximum) * float64(time.Second)), nil
}

// LocalStack lists whole queues only, at about 0.25 ms a message, and stands still meanwhile.
const mostListed = 2000

// AgeByListing is the age of the oldest message of a queue of LocalStack, which has no such metric. It reads the
// service's own list of messages, so nothing is received and no receive count grows. A queue with more than 2,000
// messages is not listed.
func AgeByListing(ctx context.Context, endpoint, queueURL string, depth Depth, now time.Time) (time.Duration, error) {
	if depth.Total() > mostListed {
		return 0, fmt.Errorf("%w: the queue holds more than %d messages", ErrAgeUnknown, mostListed)
	}
	address := endpoint + "/_aws/sqs/messages?" + url.Values{"QueueUrl": {queueURL}, "ShowInvisible": {"true"}, "ShowDelayed": {"true"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrAgeUnknown, err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%w: the list of messages cannot be read", ErrAgeUnknown)
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
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%w: the list of messages cannot be read", ErrAgeUnknown)
	}
	oldest := now
	if result := answer.ReceiveMessageResponse.ReceiveMessageResult; result != nil {
		for _, m := range result.Message {
			for _, a := range m.Attribute {
				if ms, err := strconv.ParseInt(a.Value, 10, 64); err == nil && a.Name == "SentTimestamp" && time.UnixMilli(ms).Before(oldest) {
					oldest = time.UnixMilli(ms)
				}
			}
		}
	}
	return now.Sub(oldest), nil
}

// oneOrMore reads a list that stands without brackets when it has one element: LocalStack makes this JSON from XML.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]T)(l))
	}
	*l = make([]T, 1)
	return json.Unmarshal(text, &(*l)[0])
}
