package protocol_test

import (
	"encoding/json"
	"fmt"

	"orderpipeline/shared/replay/protocol"
)

// orderctl asks for the replay of an object, and adds up the answers.
func Example() {
	request, err := json.Marshal(protocol.Request{
		Operation: protocol.Replay,
		Kind:      protocol.KindReplay,
		Key:       "imports/v1/2a-000000.ndjson.zst",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(request))

	var sum protocol.Counted
	for _, answer := range []string{
		`{"orders":2,"recorded":1,"duplicate":1,"value":40.00}`,
		`{"orders":1,"recorded":0,"duplicate":1,"value":0.00}`,
	} {
		var counted protocol.Counted
		if err := json.Unmarshal([]byte(answer), &counted); err != nil {
			fmt.Println(err)
			return
		}
		sum.Add(counted)
	}
	fmt.Println(sum.Orders, sum.Recorded, sum.Duplicate, sum.Value)
	// Output:
	// {"orderpipeline":"replay","kind":"replay","key":"imports/v1/2a-000000.ndjson.zst"}
	// 3 1 2 40.00
}
