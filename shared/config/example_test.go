package config_test

import (
	"fmt"

	"orderpipeline/shared/config"
)

// A mistake in a setting names the variable and says what to write.
func ExampleForStats() {
	environment := map[string]string{
		"REDIS_URL":     "redis://127.0.0.1:6379/0",
		"LEDGER_SHARDS": "many",
	}
	lookup := func(name string) (string, bool) {
		value, found := environment[name]
		return value, found
	}

	_, err := config.ForStats(lookup)
	fmt.Println(err)

	environment["LEDGER_SHARDS"] = "4"
	c, err := config.ForStats(lookup)
	fmt.Println(c.Ledger.Shards, c.Listen, err)
	// Output:
	// LEDGER_SHARDS is "many": write a whole number from 1 to 64
	// 4 127.0.0.1:8080 <nil>
}
