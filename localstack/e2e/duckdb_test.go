package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// duckDB is the Python that `make test` installs DuckDB for, from
// localstack/requirements/duckdb.txt.
const duckDB = ".local/duckdb/bin/python"

// query adds up the archive. An order that is in several lines counts once.
const query = `
import json, sys, duckdb
orders = duckdb.sql(f"""
  SELECT order_id, any_value(placed) AS placed, any_value(value)::DECIMAL(18, 2) AS value
  FROM read_json('{sys.argv[1]}/*/v1/**/*.ndjson.zst', format = 'newline_delimited',
    columns = {{outcome: 'VARCHAR', order_id: 'VARCHAR', placed: 'VARCHAR', value: 'VARCHAR'}})
  WHERE outcome IN ('recorded', 'duplicate')
  GROUP BY order_id
""")
total = duckdb.sql("SELECT count(*), sum(value)::VARCHAR FROM orders").fetchone()
months = duckdb.sql("SELECT left(placed, 7), count(*), sum(value)::VARCHAR FROM orders GROUP BY 1")
print(json.dumps({"orders": total[0], "revenue": total[1],
                  "months": {m: {"orders": n, "revenue": r} for m, n, r in months.fetchall()}}))
`

// A program that is not part of this project adds up the archive, and comes to the figures of the
// API.
func TestDuckDBAddsUpTheArchive(t *testing.T) {
	if code, out, errOut := orderctl(
		t, "", "bulk", "500", "--users", "20", "--duplicates", "0.1", "--wait",
	); code != 0 {
		t.Fatalf("bulk: exit code %d\n%s%s", code, out, errOut)
	}
	folder := t.TempDir()
	copied := pipeline.Command(t.Context(), "bin/awslocal", "s3", "cp", "--quiet", "--recursive",
		"s3://"+pipeline.Outputs["ArchiveBucketName"], folder)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy the archive: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(
		t.Context(), filepath.Join(pipeline.Root, duckDB), "-c", query, folder,
	).
		Output()
	if err != nil {
		t.Fatalf("DuckDB, which `make test` installs: %v", err)
	}
	type period struct {
		Orders  int         `json:"orders"`
		Revenue json.Number `json:"revenue"`
	}
	var got struct {
		period
		Months map[string]period `json:"months"`
	}
	got.Months = map[string]period{}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	var want struct {
		Orders  int         `json:"total_orders"`
		Revenue json.Number `json:"total_revenue"`
	}
	decode(t, "/stats/global", &want)
	if got.Orders != want.Orders || got.Revenue != want.Revenue || got.Orders < 400 {
		t.Errorf(
			"DuckDB: %d orders, %s; the API: %d, %s", got.Orders, got.Revenue, want.Orders, want.Revenue,
		)
	}
	for month, p := range got.Months {
		var api map[string]period
		decode(t, "/stats/monthly?start="+month+"&end="+month, &api)
		if api[month] != p {
			t.Errorf("%s: DuckDB %+v, the API %+v", month, p, api[month])
		}
	}
}
