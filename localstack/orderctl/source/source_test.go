package source

import (
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func drain(values iter.Seq2[json.RawMessage, error]) (got []string, err error) {
	for v, e := range values {
		if e != nil {
			return got, e
		}
		got = append(got, string(v))
	}
	return got, nil
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []string
		wantErr  string // part of the error; empty for none
	}{
		{name: "empty", in: ""},
		{name: "white space alone", in: " \n\t\r\n"},
		{name: "NDJSON", in: "{\"a\":1}\n{\"a\":2}\n", want: []string{`{"a":1}`, `{"a":2}`}},
		{name: "NDJSON with blank lines, Windows line ends and no last one", in: "{\"a\":1}\r\n\r\n{\"a\":2}", want: []string{`{"a":1}`, `{"a":2}`}},
		{name: "an array", in: `[ {"a":1}, {"a":2} ]`, want: []string{`{"a":1}`, `{"a":2}`}},
		{name: "an empty array", in: " [ ] \n"},
		{name: "one value over several lines", in: "{\n \"a\": 1\n}", want: []string{"{\n \"a\": 1\n}"}},
		{name: "a byte order mark", in: "\ufeff[1]", want: []string{"1"}},
		{name: "numbers keep every digit", in: `{"v":20.00,"w":12345678901234567890.10}`, want: []string{`{"v":20.00,"w":12345678901234567890.10}`}},
		{name: "a text is a value (an order encoded twice)", in: `"{\"a\":1}"`, want: []string{`"{\"a\":1}"`}},
		{name: "broken in the middle", in: "{\"a\":1}\n{\"a\":\n{\"a\":3}\n}x", want: []string{`{"a":1}`, "{\"a\":\n{\"a\":3}\n}"}, wantErr: "order 3"},
		{name: "cut off", in: `{"a":1}{"a":`, want: []string{`{"a":1}`}, wantErr: "order 2, after byte 7: it ends too early"},
		{name: "an array cut off", in: `[{"a":1}`, want: []string{`{"a":1}`}, wantErr: "ends too early"},
		{name: "an array without a comma", in: `[{"a":1} {"a":2}]`, want: []string{`{"a":1}`}, wantErr: "order 2"},
		{name: "something after the array", in: `[1] 2`, want: []string{"1"}, wantErr: "after the array's end"},
		{name: "no JSON at all", in: "order_id,user_id\n1,2\n", wantErr: "order 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := drain(Values(iotest.OneByteReader(strings.NewReader(c.in))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			switch {
			case c.wantErr == "" && err != nil:
				t.Errorf("error: %v", err)
			case c.wantErr != "" && (!errors.Is(err, ErrInput) || !strings.Contains(err.Error(), c.wantErr)):
				t.Errorf("error %v, want ErrInput with %q", err, c.wantErr)
			}
		})
	}
}

func TestValuesOfAFileThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk")
	for _, read := range []iter.Seq2[json.RawMessage, error]{Values(iotest.ErrReader(broken)), Lines(iotest.ErrReader(broken))} {
		if _, err := drain(read); !errors.Is(err, ErrInput) || !errors.Is(err, broken) {
			t.Errorf("error %v, want ErrInput and the cause", err)
		}
	}
}

func TestLinesAreTakenAsTheyStand(t *testing.T) {
	t.Parallel()
	got, err := drain(Lines(strings.NewReader("\ufeff{\"a\":\r\n\n  not json \n{}")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"a":`, "  not json ", "{}"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if _, err := drain(Lines(strings.NewReader("x\n" + strings.Repeat("x", maxLine+1)))); !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a line without an end: error %v, want ErrInput that names line 2", err)
	}
}
