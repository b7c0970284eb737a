package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/ledger"
)

func TestCorpusGivesTheLinesOfTheFile(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := 1; i <= 5; i++ {
		lines = append(lines, fmt.Sprintf(
			`{"order_id":"O%d","user_id":"U","order_timestamp":"2024-01-01",`+
				`"items":[{"product_id":"P","quantity":%[1]d,"price_per_unit":1.1}]}`, i,
		))
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "orders.ndjson")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := mapFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][2]int{{0, 5}, {0, 1}, {2, 4}, {4, 5}} {
		if diff := cmp.Diff(lines[part[0]:part[1]], file.bodies(nil, part[0], part[1])); diff != "" {
			t.Errorf("lines %v (-want +got):\n%s", part, diff)
		}
	}
	totals, err := file.totals(0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := (ledger.Totals{Orders: 3, Revenue: 660}); totals != want {
		t.Errorf("the first three come to %+v, want %+v", totals, want)
	}
	slice, err := file.slice(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(slice)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines[0]+"\n"+lines[1]+"\n", string(text)); diff != "" {
		t.Errorf("slice (-want +got):\n%s", diff)
	}
}
