package backoff_test

import (
	"fmt"
	"time"

	"orderpipeline/shared/backoff"
)

// The delays of a message that fails again and again, without jitter.
func ExampleDelay() {
	for receives := 1; receives <= 6; receives++ {
		fmt.Println(receives, backoff.Delay(5*time.Second, receives, 0.5))
	}
	fmt.Println("at most", backoff.Longest)
	// Output:
	// 1 5s
	// 2 20s
	// 3 1m20s
	// 4 5m20s
	// 5 7m0s
	// 6 7m0s
	// at most 8m54s
}
