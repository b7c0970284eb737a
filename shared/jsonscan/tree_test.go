package jsonscan_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"orderpipeline/shared/jsonscan"
)

// read reads a value part by part into what encoding/json makes of it, but for numbers, which it
// returns as they are, and booleans, of which only the kind is known.
func read(s *jsonscan.Scanner) any {
	var v jsonscan.Value
	switch s.Next() {
	case '[':
		list := []any{}
		for s.Open(); s.More(); {
			list = append(list, read(s))
		}
		return list
	case '{':
		object := map[string]any{}
		for s.Open(); s.Member(&v); {
			name, _ := v.Text()
			object[name] = read(s)
		}
		return object
	}
	s.Value(&v)
	switch v.Kind {
	case jsonscan.String:
		text, _ := v.Text()
		return text
	case jsonscan.Number:
		return v.Decimal
	case jsonscan.Bool:
		return jsonscan.Bool
	}
	return nil
}

// same fails the test when what was read is not what encoding/json read.
func same(t *testing.T, got, want any) {
	switch want := want.(type) {
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			t.Fatalf("read %v, want %v", got, want)
		}
		for i := range want {
			same(t, list[i], want[i])
		}
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || len(object) != len(want) {
			t.Fatalf("read %v, want %v", got, want)
		}
		for name := range want {
			same(t, object[name], want[name])
		}
	case json.Number:
		d, ok := got.(jsonscan.Decimal)
		if !ok {
			t.Fatalf("read %v, want the number %s", got, want)
		}
		sameNumber(t, d, string(want))
	case bool:
		if got != jsonscan.Bool {
			t.Fatalf("read %v, want a boolean", got)
		}
	default: // a string or nil
		if got != want {
			t.Fatalf("read %q, want %q", got, want)
		}
	}
}

// sameNumber fails the test when d is not the number that was written.
func sameNumber(t *testing.T, d jsonscan.Decimal, written string) {
	if _, exponent, ok := strings.Cut(strings.ToLower(written), "e"); ok && len(exponent) > 4 {
		return // more than the memory of this test can hold
	}
	if d.Negative != strings.HasPrefix(written, "-") {
		t.Fatalf("sign of %s: %+v", written, d)
	}
	size, ok := new(big.Rat).SetString(strings.TrimPrefix(written, "-"))
	if !ok {
		t.Fatalf("%s is no number", written)
	}
	places := big.NewInt(max(d.Exponent, -d.Exponent))
	power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), places, nil))
	if d.Exponent < 0 {
		power.Inv(power)
	}
	low := new(big.Rat).SetInt(new(big.Int).SetUint64(d.Mantissa))
	low.Mul(low, power)
	high := new(big.Rat).Add(low, power)
	exact := low.Cmp(size) == 0
	between := low.Cmp(size) < 0 && high.Cmp(size) > 0 && d.Mantissa >= 1e18
	if !d.More && !exact || d.More && !between {
		t.Fatalf("%s was read as %+v", written, d)
	}
}

// agree fails the test when the scanner and encoding/json differ about a text: whether it is JSON,
// and what it says.
func agree(t *testing.T, text string) {
	if !utf8.ValidString(text) || depth(text) > jsonscan.MaxDepth {
		return
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var want any
	sound := json.Valid([]byte(text)) && decoder.Decode(&want) == nil
	if valid(text) != sound {
		t.Fatalf("JSON is %v, want %v: %q", !sound, sound, text)
	}
	s := jsonscan.New(text)
	got := read(&s)
	if s.End() != sound || s.OK() != sound || (s.Err() == nil) != sound {
		t.Fatalf("read value by value, JSON is %v, want %v (%v): %q", !sound, sound, s.Err(), text)
	}
	if sound {
		same(t, got, want)
	}
}

// depth returns how deep the brackets of a text are nested at most.
func depth(text string) (most int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			depth++
			most = max(most, depth)
		case !quoted && (c == ']' || c == '}'):
			depth--
		}
	}
	return most
}

var seeds = []string{
	`{"a": [1, 2.50, -3e2, {"b": "x"}], "c": {"d": null, "e": [true, false]}, "a": "the last counts"}`,
	`["\u00e9\ud83d\ude00\n\"\\\/", "\ud83d", "\ude00\ud83d", "\ud83d\u0041", "\ud83d\\u0041",` +
		` "plain text of some length, é and 😀 in it"]`,
	`[0, -0, 0.10, 1e-9, 123456789012345678901234567890, 12345678901234567890.5,` +
		` 1234567890123456789000, 0.00000000000000000000123, 1E+2]`,
	`[[[[]]], {}, {"": {"": {}}}, [{}, [], {}]]`, ` "x" `, `1 2`, `{"a":1]`, `["\u12"]`, `[1,]`,
	`{"a" 1}`, "[\"\x1f\"]",
}

func TestReadPartByPart(t *testing.T) {
	t.Parallel()
	for _, text := range seeds {
		agree(t, text)
		for end := range len(text) {
			agree(t, text[:end])
		}
	}
}

// FuzzScan feeds any text, and looks for any difference from encoding/json.
func FuzzScan(f *testing.F) {
	for _, text := range seeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		agree(t, text)
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, string(quoted))
		agree(t, "[1"+text+"]")
	})
}
