package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/redis/go-redis/v9"

	"orderpipeline/localstack/deployment"
)

// The password of Redis is rotated three times under traffic, as AWS documents it for users with
// two passwords: add the new one, write it to the secret, remove the old one. At the end of each
// all connections are closed. The functions stay warm and no message fails. A request may get 503
// only where the secret was not read within the second that the API gives each request, as on a
// busy machine.
func TestRotationOfTheSecretUnderTraffic(t *testing.T) {
	r := newRotation(t)
	failing := failedAttempts(t)
	user := fmt.Sprintf("U-rotation-%d", time.Now().UnixNano())

	stop := make(chan struct{})
	var traffic sync.WaitGroup
	var sent, asked, late atomic.Int64
	traffic.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if _, err := send(
				t.Context(), newOrder(fmt.Sprintf("%s-%d", user, n), user).body(t),
			); err != nil {
				t.Errorf("send: %v", err)
				return
			}
			sent.Add(1)
		}
	})
	traffic.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			switch status, body := getInTime(t, "/stats/global"); status {
			case http.StatusOK:
				asked.Add(1)
			case 0:
				late.Add(1)
			default:
				t.Errorf("request %d: %d %s", asked.Load(), status, body)
			}
		}
	})

	current := r.first
	for n := range 3 {
		next := fmt.Sprintf("rotated-%d", n)
		if n == 2 {
			next = r.first // as the deployment expects it
		}
		r.rotate(t, current, next)
		current = next
		// Both functions get something done between this rotation and the next.
		orders, requests := sent.Load(), asked.Load()+5
		eventually(t, func() error {
			if got := countOf(t, user); got <= orders || asked.Load() < requests {
				return fmt.Errorf("%d orders counted, want more than %d; %d requests, want %d",
					got, orders, asked.Load(), requests)
			}
			return nil
		})
	}
	close(stop)
	traffic.Wait()

	total := int(sent.Load())
	wantUser(t, user, total, fmt.Sprintf("%d.00", 40*total))
	if now := failedAttempts(t); now != failing {
		t.Errorf("%d attempts failed, want none", now-failing)
	}
	t.Logf("%d orders and %d requests through three rotations, %d more were answered 503 late",
		total, asked.Load(), late.Load())
}

// getInTime asks the API once. The status is 0 for a 503 that took the second which the API gives a
// request: an earlier one is a refusal.
func getInTime(t *testing.T, path string) (status int, body string) {
	t.Helper()
	begun := time.Now()
	status, body = get(t, path)
	if status == http.StatusServiceUnavailable && time.Since(begun) >= time.Second {
		return 0, body
	}
	return status, body
}

// countOf is how many orders of a customer are counted.
func countOf(t *testing.T, user string) int64 {
	t.Helper()
	status, body := getInTime(t, "/users/"+user+"/stats")
	if status == http.StatusNotFound || status == 0 {
		return 0
	}
	var figures struct {
		Count int64 `json:"order_count"`
	}
	if err := json.Unmarshal([]byte(body), &figures); err != nil || status != http.StatusOK {
		t.Errorf("%d %s: %v", status, body, err)
	}
	return figures.Count
}

// failedAttempts is how many times a message was given back to the queue.
func failedAttempts(t *testing.T) int64 {
	t.Helper()
	var all struct {
		Failed *int64 `json:"failed"`
	}
	decode(t, "/stats/messages", &all)
	if all.Failed == nil {
		t.Fatal("/stats/messages does not say how many attempts failed")
	}
	return *all.Failed
}

// A rotation changes the password of the deployment's Redis.
type rotation struct {
	admin   *redis.Client
	secrets *secretsmanager.Client
	first   string
}

func newRotation(t *testing.T) rotation {
	t.Helper()
	options, err := redis.ParseURL(pipeline.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	// A connection that has logged in stays so, whatever happens to the password.
	options.PoolSize, options.Protocol, options.DisableIdentity = 1, 2, true
	secrets := secretsmanager.NewFromConfig(deployment.AWS(pipeline.Endpoint))
	r := rotation{redis.NewClient(options), secrets, options.Password}
	t.Cleanup(func() { _ = r.admin.Close() })
	return r
}

func (r rotation) rotate(t *testing.T, current, next string) {
	t.Helper()
	if err := r.admin.Do(t.Context(), "acl", "setuser", "default", ">"+next).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := r.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{
		SecretId: aws.String("order-pipeline/redis"), SecretString: aws.String(next + "\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.admin.Do(t.Context(), "acl", "setuser", "default", "<"+current).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.admin.Do(
		t.Context(), "client", "kill", "skipme", "yes", "user", "default",
	).Err(); err != nil {
		t.Fatal(err)
	}
}
