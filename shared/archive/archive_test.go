package archive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

var placed = time.Date(2024, 12, 13, 10, 0, 0, 123456789, time.UTC)

// pack encodes lines as one object, as the order function does.
func pack(t testing.TB, lines ...archive.Line) []byte {
	t.Helper()
	var object bytes.Buffer
	e := archive.NewEncoder(&object)
	for i := range lines {
		if err := e.Encode(&lines[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return object.Bytes()
}

// compress makes an object of any text.
func compress(t testing.TB, text string) []byte {
	t.Helper()
	zip, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return zip.EncodeAll([]byte(text), nil)
}

// unpack reads all lines of an object, and the error that ended the reading.
func unpack(from io.Reader) (lines []archive.Line, err error) {
	for line, err := range archive.Read(from) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func randomText(rng *rand.Rand, most int) string {
	kinds := []string{
		"a", "0", " ", `"`, `\`, "/", "\n", "\r", "\t", "\x00", "\x1f", "\x7f", "é", "\u2028", "\ufffd",
		"\uffff", "😀", "\U0010ffff", "<", `{"a":1}`, `\ud83d`,
	}
	var b strings.Builder
	for range rng.IntN(most) {
		b.WriteString(kinds[rng.IntN(len(kinds))])
	}
	return b.String()
}

func randomLine(rng *rand.Rand, number int) archive.Line {
	outcomes := []archive.Outcome{archive.Recorded, archive.Duplicate, archive.Invalid}
	later := time.Duration(rng.Int64N(1e9)) * time.Millisecond
	line := archive.Line{
		MessageID: fmt.Sprintf("m%d", number),
		SentAt:    placed.Add(later).Truncate(time.Millisecond),
		Outcome:   outcomes[rng.IntN(len(outcomes))],
		Trace:     randomText(rng, 10),
		Body:      "x" + randomText(rng, 300),
	}
	if line.Outcome == archive.Invalid {
		line.Reason, line.Field, line.Detail = order.InvalidField, randomText(rng, 9), randomText(rng, 50)
	}
	if line.Counts() || rng.IntN(2) == 0 {
		line.Order = order.Order{
			ID:       fmt.Sprintf("ORD é%d", number),
			UserID:   fmt.Sprintf(`U"%d"`, rng.IntN(100)),
			Placed:   placed.Add(time.Duration(rng.Int64N(1e18))),
			Value:    order.Cents(rng.Int64N(int64(order.MaxValue) + 1)),
			Mismatch: rng.IntN(2) == 0,
		}
	}
	return line
}

func TestLinesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	const seed = 20241213
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, count := range []int{0, 1, 2, 10, 3_000} {
		var want []archive.Line
		for i := range count {
			want = append(want, randomLine(rng, i))
		}

		for _, object := range [][]byte{pack(t, want...), archive.Encode(want...)} {
			got, err := unpack(bytes.NewReader(object))

			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("seed %d, %d lines: error %v (-want +got):\n%s", seed, count, err, diff)
			}
		}
	}
}

func TestAnEncoderIsReused(t *testing.T) {
	t.Parallel()
	first := randomLine(rand.New(rand.NewPCG(1, 1)), 1)
	second := randomLine(rand.New(rand.NewPCG(2, 2)), 2)
	var out bytes.Buffer
	e := archive.NewEncoder(&out)
	if err := errors.Join(e.Encode(&first), e.Close()); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	e.Reset(&out)
	if err := errors.Join(e.Encode(&second), e.Close()); err != nil {
		t.Fatal(err)
	}

	got, err := unpack(&out)

	if diff := cmp.Diff([]archive.Line{second}, got); err != nil || diff != "" {
		t.Errorf("second object: error %v (-want +got):\n%s", err, diff)
	}
}

// Queries by other programs depend on these names and forms: see shared/order/CONTRACT.md.
func TestLineFormat(t *testing.T) {
	t.Parallel()
	recorded := archive.Line{
		MessageID: "m1", SentAt: time.UnixMilli(1734084000042), Outcome: archive.Recorded,
		Order: order.Order{ID: "ORD1", UserID: "U1", Placed: placed, Value: 1234, Mismatch: true},
		Trace: "00-4bf9-1-01", Body: `{"order_id":"ORD1"}`,
	}
	invalid := archive.Line{
		MessageID: "m2", SentAt: time.UnixMilli(1734084000000), Outcome: archive.Invalid,
		Reason: order.InvalidField, Field: "items[2].quantity", Detail: "is zero", Body: "\x01é\ud7ff",
	}
	for _, c := range []struct {
		line archive.Line
		want string
	}{
		{recorded, `{"message_id":"m1","sent_at":"2024-12-13T10:00:00.042Z",` +
			`"outcome":"recorded","order_id":"ORD1",` +
			`"user_id":"U1","placed":"2024-12-13T10:00:00.123456789Z","value":"12.34","mismatch":true,` +
			`"body":"{\"order_id\":\"ORD1\"}","trace":"00-4bf9-1-01"}`},
		{invalid, `{"message_id":"m2","sent_at":"2024-12-13T10:00:00Z",` +
			`"outcome":"invalid","reason":"invalid_field",` +
			`"field":"items[2].quantity","detail":"is zero","body":"\u0001é` + "\ud7ff" + `"}`},
	} {
		if got := string(c.line.Append(nil)); got != c.want {
			t.Errorf("line\n%s\nwant\n%s", got, c.want)
		}
	}
}

func TestTextsAreJSON(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		body := "x" + randomText(rng, 30)
		line := archive.Line{Body: body}
		var got map[string]string
		if err := json.Unmarshal(line.Append(nil), &got); err != nil || got["body"] != body {
			t.Fatalf("body %q is read as %q, error %v", body, got["body"], err)
		}
	}
	line := archive.Line{Body: "a\xffb"}
	if got := string(line.Append(nil)); got != `{"body":"a`+"\ufffd"+`b"}` {
		t.Errorf("a byte that is not UTF-8 is written as %q", got)
	}
}

func TestUnreadableObjects(t *testing.T) {
	t.Parallel()
	good := `{"message_id":"m","outcome":"recorded","order_id":"O","user_id":"U",` +
		`"placed":"2024-12-13T10:00:00Z","value":"1.00","body":"b"}`
	object := compress(t, strings.Repeat(good+"\n", 500))
	damaged := bytes.Clone(object)
	damaged[len(damaged)/2] ^= 0x55
	without := func(member string) []byte { return compress(t, strings.Replace(good, member, "", 1)) }
	replace := func(member, by string) []byte {
		return compress(t, good+"\n"+strings.Replace(good, member, by, 1))
	}
	for name, c := range map[string]struct {
		object []byte
		want   string
	}{
		"empty":             {nil, "it is empty"},
		"truncated":         {object[:len(object)-5], "truncated or damaged"},
		"truncated at once": {object[:3], "truncated or damaged"},
		"damaged":           {damaged, "truncated or damaged"},
		"not compressed":    {[]byte(good), "truncated or damaged"},
		"broken JSON":       {replace(`"U"`, `U`), "line 2: a value is missing"},
		"cut line":          {compress(t, good[:40]), "line 1"},
		"no object":         {compress(t, "[]"), "line 1: it is not a JSON object"},
		"blank line":        {compress(t, good+"\n\n"+good), "line 2: it is not a JSON object"},
		"not UTF-8":         {replace(`"b"`, "\"\xff\""), "not UTF-8"},
		"later version":     {replace(`"body"`, `"v":2,"body"`), "newer version"},
		"unknown outcome": {
			replace("recorded", "refunded"), `newer version of the archive: outcome "refunded"`,
		},
		"no outcome":           {without(`"outcome":"recorded",`), "outcome is missing"},
		"no order id":          {without(`"order_id":"O",`), "order_id is empty"},
		"order id is a number": {replace(`"order_id":"O"`, `"order_id":1`), "order_id is not a string"},
		"no customer":          {without(`"user_id":"U",`), "user_id is empty"},
		"control character":    {replace(`"U"`, `"U\u0001"`), "user_id contains a control character"},
		"no moment":            {without(`"placed":"2024-12-13T10:00:00Z",`), "the year 1"},
		"no calendar moment":   {replace("12-13T", "13-13T"), "placed is not a time"},
		"no value":             {without(`"value":"1.00",`), "value is not an amount"},
		"value is a float":     {replace(`"1.00"`, `"1.0"`), "value is not an amount"},
		"value is a number":    {replace(`"1.00"`, `1.00`), "value is not a string"},
		"negative value":       {replace(`"1.00"`, `"-1.00"`), "outside 0"},
		"half a character":     {replace(`"O"`, `"\ud800"`), "order_id is not a string"},
		"endless line":         {compress(t, strings.Repeat("x", 17<<20)), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack(bytes.NewReader(c.object))
			if !errors.Is(err, archive.ErrUnreadable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrUnreadable with %q", err, c.want)
			}
		})
	}
}

func TestMembersOfALaterWriterAreIgnored(t *testing.T) {
	t.Parallel()
	object := compress(t, `{"x":{"order_id":"no"},"outcome":"invalid","x2":[1],"body":"b"}`)
	got, err := unpack(bytes.NewReader(object))
	want := []archive.Line{{Outcome: archive.Invalid, Body: "b"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, lines (-want +got):\n%s", err, diff)
	}
}

type brokenPipe struct{ io.Reader }

var errPipe = errors.New("connection lost")

func (b brokenPipe) Read(to []byte) (int, error) {
	n, err := b.Reader.Read(to)
	if err != nil {
		return n, errPipe
	}
	return n, nil
}

// A connection that breaks says nothing about the object: it can be read again.
func TestAFailingSourceIsNotAnUnreadableObject(t *testing.T) {
	t.Parallel()
	object := pack(t, randomLine(rand.New(rand.NewPCG(1, 1)), 1))
	for cut := range len(object) {
		_, err := unpack(brokenPipe{bytes.NewReader(object[:cut])})
		if !errors.Is(err, errPipe) || errors.Is(err, archive.ErrUnreadable) {
			t.Fatalf("broken after %d bytes: error %v, want that of the connection", cut, err)
		}
	}
}
