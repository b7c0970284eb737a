package answer_test

import (
	"encoding/json"
	"fmt"

	"orderpipeline/shared/order"
	"orderpipeline/shared/statsapi/answer"
)

// A client reads an answer into the type that the server wrote.
func ExampleMonths() {
	var months answer.Months
	text := `{"2024-03":{"orders":1,"revenue":19.99},"2024-01":{"orders":2,"revenue":39.98}}`
	if err := json.Unmarshal([]byte(text), &months); err != nil {
		fmt.Println(err)
		return
	}

	var revenue order.Cents
	for _, m := range months {
		fmt.Println(m.Date, m.Orders, m.Revenue)
		revenue += m.Revenue
	}
	fmt.Println(revenue)
	// Output:
	// 2024-01 2 39.98
	// 2024-03 1 19.99
	// 59.97
}
