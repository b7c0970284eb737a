package orderfile

import (
	"errors"
	"strings"
	"testing"
)

func TestReadMessage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want, wantErr string }{
		{name: "as written", in: " {\"a\": 1 }\r\n", want: " {\"a\": 1 }"},
		{name: "no JSON", in: "hello", want: "hello"},
		{name: "a byte order mark", in: "\ufeff{}", want: "{}"},
		{name: "gzip", in: gzipped(t, "{}\n"), want: "{}"},
		{name: "a list", in: "[{}]", wantErr: "list of orders"},
		{name: "orders", in: `{"orders":[{}]}`, wantErr: "list of orders"},
		{name: "one line with commas", in: "a,b", want: "a,b"},
		{name: "a table", in: "order_id,value\r\nORD1,2.00\r\n", wantErr: "CSV table"},
		{name: "a table of numbers", in: "1;2\n3;4\n", wantErr: "separated by semicolons"},
		{name: "a quoted table", in: "\"id\",\"value\"\n\"1\",\"2\"\n", wantErr: "CSV table"},
		{name: "UTF-16", in: "\xff\xfe{\x00", wantErr: "UTF-16"},
		{name: "too long", in: strings.Repeat("x", 101), wantErr: "longer than 100 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadMessage(strings.NewReader(c.in), 100)
			if got != c.want {
				t.Errorf("message %q, want %q", got, c.want)
			}
			if c.wantErr == "" && err != nil ||
				c.wantErr != "" && (!errors.Is(err, ErrInput) || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("error %v, want %q", err, c.wantErr)
			}
		})
	}
}
