package orderfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func drain(r *Reader) (entries []Entry, err error) {
	for entry, err := range r.All() {
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func read(t *testing.T, r io.Reader) (entries []Entry, err error) {
	t.Helper()
	reader, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return drain(reader)
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func TestReader(t *testing.T) {
	t.Parallel()
	a, b := `{"order_id":"a"}`, `{"order_id":"b","n":[1,{"x":"}]\""}]}`
	for _, c := range []struct {
		name, in string
		want     []Entry
		wantErr  string // part of the error; empty for none
	}{
		{name: "empty", in: ""},
		{name: "white space alone", in: " \n\t\r\n"},
		{name: "a byte order mark alone", in: "\ufeff"},
		{name: "one order a line", in: a + "\n" + b + "\n", want: []Entry{{1, a}, {2, b}}},
		{name: "no line break at the end", in: a + "\n" + b, want: []Entry{{1, a}, {2, b}}},
		{
			name: "blank lines, Windows line ends, a byte order mark",
			in:   "\ufeff\r\n" + a + "\r\n\r\n  \r\n" + b + "\r\n",
			want: []Entry{{2, a}, {5, b}},
		},
		{
			name: "blanks around an order stay",
			in:   " " + a + " \n",
			want: []Entry{{1, " " + a + " "}},
		},
		{
			name: "a broken line is an entry",
			in:   a + "\n{\"order_id\":\nnot json\n" + b,
			want: []Entry{{1, a}, {2, `{"order_id":`}, {3, "not json"}, {4, b}},
		},
		{
			name: "a broken first line",
			in:   "{\"order_id\":\"x\n" + a + "\n",
			want: []Entry{{1, `{"order_id":"x`}, {2, a}},
		},
		{
			name: "a first line that is no JSON",
			in:   "oops, no JSON\n" + a + "\n",
			want: []Entry{{1, "oops, no JSON"}, {2, a}},
		},
		{
			name: "orders encoded twice",
			in:   `"{\"a\":1}"` + "\n",
			want: []Entry{{1, `"{\"a\":1}"`}},
		},
		{
			name: "one order over several lines",
			in:   "{\n \"a\": 1\n}\n",
			want: []Entry{{1, "{\n \"a\": 1\n}"}},
		},
		{
			name: "several orders over several lines",
			in:   "{\n \"a\": 1\n}\n\n{\n \"b\": 2\n}",
			want: []Entry{{1, "{\n \"a\": 1\n}"}, {5, "{\n \"b\": 2\n}"}},
		},
		{
			name:    "cut off in an order over several lines",
			in:      "{\n \"a\": 1\n}\n{\n \"b\"",
			want:    []Entry{{1, "{\n \"a\": 1\n}"}},
			wantErr: "line 4: the order that begins here has no end",
		},

		{name: "an array", in: `[ ` + a + `,` + b + ` ]`, want: []Entry{{1, a}, {1, b}}},
		{
			name: "an array over several lines",
			in:   "\n[\n" + a + ",\n\n" + b + "\n]\n",
			want: []Entry{{3, a}, {5, b}},
		},
		{
			name: "an order of an array over several lines",
			in:   "[{\n\"a\":1\n},\n {\"b\":\n2}]",
			want: []Entry{{1, "{\n\"a\":1\n}"}, {4, "{\"b\":\n2}"}},
		},
		{name: "an empty array", in: " [ ] \n"},
		{
			name: "a broken order of an array is an entry",
			in:   `[{"a":,},` + b + `, 17, "x", null]`,
			want: []Entry{{1, `{"a":,}`}, {1, b}, {1, "17"}, {1, `"x"`}, {1, "null"}},
		},
		{
			name:    "an array cut off between orders",
			in:      "[" + a + "\n,\n",
			want:    []Entry{{1, a}},
			wantErr: "line 3: the file ends before the end of the list",
		},
		{
			name:    "an array cut off in an order",
			in:      "[" + a + "\n,{\"b\":\n",
			want:    []Entry{{1, a}},
			wantErr: "line 2: the order that begins here has no end",
		},
		{
			name:    "an array without a comma",
			in:      "[" + a + "\n" + b + "]",
			want:    []Entry{{1, a}},
			wantErr: "line 2: a comma or the closing bracket",
		},
		{
			name:    "an array with two commas",
			in:      "[" + a + ",\n," + b + "]",
			want:    []Entry{{1, a}},
			wantErr: `line 2: an order is missing before ","`,
		},
		{
			name:    "an array with a comma at its end",
			in:      "[" + a + ",\n]",
			want:    []Entry{{1, a}},
			wantErr: `line 2: an order is missing before "]"`,
		},
		{
			name:    "text after the array",
			in:      "[" + a + "]\n2",
			want:    []Entry{{1, a}},
			wantErr: "line 2: text follows the end of the list",
		},

		{
			name: "a list in an object",
			in:   `{"orders":[` + a + `,` + b + `]}`,
			want: []Entry{{1, a}, {1, b}},
		},
		{
			name: "a list among other members",
			in: "{\"count\": 2, \"from\": {\"orders\": [7]},\n\"orders\" : [\n" + a +
				"\n], \"next\": \"}\"\n}\n",
			want: []Entry{{3, a}},
		},
		{name: "an empty list in an object", in: `{"orders": []}`},
		{
			name:    "a list in an object that is cut off",
			in:      `{"orders":[` + a + "]\n",
			want:    []Entry{{1, a}},
			wantErr: "line 2: the file ends before",
		},
		{
			name:    "text after the object with the list",
			in:      `{"orders":[` + a + "]}\n" + a,
			want:    []Entry{{1, a}},
			wantErr: "line 2: text follows",
		},
		{
			name: "orders that is no list",
			in:   `{"orders":7}`,
			want: []Entry{{1, `{"orders":7}`}},
		},
		{
			name: "numbers keep every digit",
			in:   `{"v":20.00,"w":12345678901234567890.10}`,
			want: []Entry{{1, `{"v":20.00,"w":12345678901234567890.10}`}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for how, in := range map[string]io.Reader{
				"whole":        strings.NewReader(c.in),
				"byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
				"gzip":         strings.NewReader(gzipped(t, c.in)),
			} {
				got, err := read(t, in)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s: entries (-want +got):\n%s", how, diff)
				}
				switch {
				case c.wantErr == "" && err != nil:
					t.Errorf("%s: error: %v", how, err)
				case c.wantErr != "" &&
					(!errors.Is(err, ErrInput) || !strings.Contains(err.Error(), c.wantErr)):
					t.Errorf("%s: error %v, want ErrInput with %q", how, err, c.wantErr)
				}
			}
		})
	}
}

func TestReaderOfAFileThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk")
	in := io.MultiReader(
		strings.NewReader(strings.Repeat("{\"order_id\":\"a\"}\n", 10_000)+"{\"half\":"),
		iotest.ErrReader(broken),
	)
	got, err := read(t, in)
	if !errors.Is(err, ErrInput) || !errors.Is(err, broken) ||
		!strings.Contains(err.Error(), "line 10001:") {
		t.Errorf("error %v, want ErrInput, the cause and line 10001", err)
	}
	if len(got) != 10_000 {
		t.Errorf("%d entries before the failure, want the 10,000 whole ones", len(got))
	}
}

func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, strings.Repeat("{\"order_id\":\"a\"}\n", 100_000))
	_, err := read(t, strings.NewReader(whole[:len(whole)-20]))
	if !errors.Is(err, ErrInput) || !strings.Contains(err.Error(), "gzip file is damaged or cut off") {
		t.Errorf("error %v, want ErrInput that says that the gzip file is damaged", err)
	}
	if _, err = read(t, strings.NewReader("\x1f\x8b\x00")); !errors.Is(err, ErrInput) ||
		!strings.Contains(err.Error(), "gzip file is damaged") {
		t.Errorf("a broken header: error %v", err)
	}
}

func TestSeveralGzipFilesInOne(t *testing.T) {
	t.Parallel()
	got, err := read(t, strings.NewReader(gzipped(t, "{\"a\":1}\n")+gzipped(t, "{\"a\":2}\n")))
	if diff := cmp.Diff([]Entry{{1, `{"a":1}`}, {2, `{"a":2}`}}, got); diff != "" || err != nil {
		t.Errorf("error %v, entries (-want +got):\n%s", err, diff)
	}
}

func TestAnEntryWithoutAnEnd(t *testing.T) {
	t.Parallel()
	endless := strings.Repeat("x", MaxEntry+bufferBytes+1)
	for _, begin := range []string{"{}\n{\"a\":\"", "[{},\n{\"a\":\"", "{\"orders\":[{},\n{\"a\":\""} {
		in := begin + endless
		got, err := read(t, strings.NewReader(in))
		if len(got) != 1 || !errors.Is(err, ErrInput) ||
			!strings.Contains(err.Error(), "line 2: an order is longer than 4 MiB") {
			t.Errorf(
				"%s…: %d entries, error %v; want one and ErrInput that names line 2", in[:12], len(got), err,
			)
		}
	}
}

func TestLargeEntriesAcrossBuffers(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	var want []Entry
	for i := range 40 {
		body := fmt.Sprintf(`{"order_id":"%d","pad":"%s"}`, i, strings.Repeat("p\\\"", i*10_000))
		want = append(want, Entry{2 + i, body})
		text.WriteString(body + "\n")
	}
	list := strings.TrimSuffix(strings.ReplaceAll(text.String(), "\n", ",\n"), ",\n")
	for name, in := range map[string]string{
		"lines":  "\n" + text.String(),
		"array":  "[\n" + list + "]",
		"orders": "{\"orders\":[\n" + list + "]}",
	} {
		got, err := read(t, iotest.HalfReader(strings.NewReader(in)))
		if err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s: %d entries, error %v; want %d as written", name, len(got), err, len(want))
		}
	}
}

func TestLineReader(t *testing.T) {
	t.Parallel()
	r, err := NewLineReader(strings.NewReader("\ufeff{\"a\":\r\n\n  not json \n[1,\n{}"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(r)
	want := []Entry{{1, `{"a":`}, {3, "  not json "}, {4, "[1,"}, {5, "{}"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, entries (-want +got):\n%s", err, diff)
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range []string{
		"{}\n{}", "[1,{}]", `{"orders":[{}]}`, "a,b\n1,2", "{\n}\n{\n}", "\ufeff[", `"\"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, errWhole := read(t, bytes.NewReader(text))
		parts, errParts := read(t, iotest.OneByteReader(bytes.NewReader(text)))
		if !cmp.Equal(whole, parts) || (errWhole == nil) != (errParts == nil) {
			t.Errorf("read at once %v %v, byte by byte %v %v", whole, errWhole, parts, errParts)
		}
		for _, e := range whole {
			if !bytes.Contains(text, []byte(e.Body)) {
				t.Errorf("the entry %q is not in the text", e.Body)
			}
		}
	})
}
