// Package backoff says how long a message that failed waits for its next attempt.
package backoff

import (
	"math"
	"time"
)

// The delays between the receives of a message that fails. With a first delay of five seconds they
// are 5, 20, 80, 320 and then 420 s: an outage of seconds costs seconds, and after an outage of any
// length each message is received within nine minutes. 300 receives, the maxReceiveCount of the
// queue, take more than a day.
const (
	growth  = 4
	longest = 7 * time.Minute
	jitter  = 0.2
)

// Visibility returns the visibility timeout, in whole seconds, after the n-th receive of a message
// that failed. The last receive is followed by the first delay only: after it the message goes to
// the dead-letter queue, and no delay is to end there without another attempt. random is in [0, 1).
func Visibility(
	now time.Time, first time.Duration, receives, maxReceives int, random float64,
) int32 {
	if receives >= maxReceives {
		receives = 1
	}
	return seconds(now, Delay(first, receives, random))
}

// Delay returns the visibility timeout after the n-th receive (n ≥ 1): first × 4^(n-1), at most
// seven minutes, with ±20 % jitter. random is in [0, 1).
func Delay(first time.Duration, receives int, random float64) time.Duration {
	delay := min(first, longest)
	for range receives - 1 {
		delay = min(delay*growth, longest)
		if delay == longest {
			break
		}
	}
	return time.Duration(float64(delay) * (1 + jitter*(2*random-1)))
}

// A delay of alignFrom or more ends at a full alignTo. So the messages that wait during an outage
// are received in a few large batches instead of one every second.
const (
	alignFrom = time.Minute
	alignTo   = 30 * time.Second
)

// seconds returns the visibility timeout that ends after a delay, in whole seconds.
func seconds(now time.Time, delay time.Duration) int32 {
	if delay >= alignFrom {
		end := now.Add(delay).Truncate(alignTo).Add(alignTo)
		delay = end.Sub(now)
	}
	return int32(math.Ceil(delay.Seconds()))
}

// Longest is the longest time to the next attempt: 8 m 54 s.
const Longest = time.Duration(float64(longest)*(1+jitter)) + alignTo

// Within returns the time within which the next attempt follows the n-th receive.
func Within(first time.Duration, receives int) time.Duration {
	delay := Delay(first, receives, 1)
	if delay >= alignFrom {
		delay += alignTo
	}
	return delay
}
