package jsonscan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"orderpipeline/shared/jsonscan"
)

// valid says whether text is one JSON value, as Value sees it.
func valid(text string) bool {
	s := jsonscan.New(text)
	var v jsonscan.Value
	return s.Value(&v) && s.End()
}

func TestWhatIsJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"null", "true", "false", "0", "-0", "-0.0", "1", "-1", "0.5", "10", "1e5", "1E+5", "1e-5", "0e0",
		"1.25e400", "-1e-400", "123456789012345678901234567890",
		`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000\u001F\uABCD\uabcd"`, `"\ud83d\ude00"`, `"\ud83d"`,
		`"\ude00"`, `"\ud83d\u0041"`, "\"\u007f\u0080\u2028\ufeff😀\"", `"/"`,
		"[]", "[ ]", "[\t1 ,\n2\r]", "[[],[[]],{}]", "{}", "{ }", `{"a":1}`, `{"a":1,"a":2}`,
		`{"":{"":[{}]}}`, `[[[[[[[[{"a":[1,2,{"b":null}]}]]]]]]]]`, " 1 ",
		strings.Repeat("[", 512) + strings.Repeat("]", 512),
		strings.Repeat(`{"a":`, 512) + "1" + strings.Repeat("}", 512),
	} {
		if !valid(text) || !json.Valid([]byte(text)) {
			t.Errorf("not taken for JSON: %.60s", text)
		}
		for end := range len(text) { // a beginning is JSON only if it is a number
			if cut := text[:end]; valid(cut) != json.Valid([]byte(cut)) {
				t.Errorf("cut at byte %d: JSON is %v, want %v: %.60s", end, valid(cut), !valid(cut), cut)
			}
		}
	}
}

func TestWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "nul", "nulll", "True", "tru", "None", "undefined", "NaN", "Infinity", "-Infinity", "-",
		"+1", ".5", "1.", "-.5", "01", "-01", "00", "1e", "1e+", "1.e5", "1ee5", "0x10", "1_000", "1,000",
		"1 2",
		`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `'a'`, "\"\n\"",
		"\"\t\"", "\"\x00\"", "\"\x1f\"", "`a`", "a",
		"[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[1}", "[1:2]",
		"{", "{}}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,"a":1}`, `{"a" 1}`, `{"a",1}`,
		`{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1 "b":2}`, `{"a":1]`, `{"a":}`, `{"a"::1}`, `{null:1}`,
		"/**/1", "1//", "#", "\u00a01", "\ufeff1", "\v1", "\f1", "1\x00", "\\u0031",
	} {
		if valid(text) || json.Valid([]byte(text)) {
			t.Errorf("taken for JSON: %q", text)
		}
	}
	for _, text := range []string{ // encoding/json takes these
		strings.Repeat("[", 513) + strings.Repeat("]", 513),
		strings.Repeat(`{"a":`, 513) + "1" + strings.Repeat("}", 513),
		strings.Repeat("[", 1_000_000),
	} {
		if valid(text) {
			t.Errorf("nested too deep, and taken: %.20s", text)
		}
	}
}

// Strings are read several bytes at a time: every byte at every place, with as much before it and
// behind it.
func TestEveryByteAtEveryPlaceOfAString(t *testing.T) {
	t.Parallel()
	for before := range 18 {
		for behind := range 18 {
			for c := range rune(0x102) {
				text := `"` + strings.Repeat("a", before) + string(c) + strings.Repeat("b", behind) + `"`
				if valid(text) != json.Valid([]byte(text)) {
					t.Fatalf("JSON is %v, want %v: %q", valid(text), !valid(text), text)
				}
			}
		}
	}
}

func TestSyntaxErrorSaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]jsonscan.SyntaxError{
		`{"a":1`:  {Problem: "a comma or closing bracket is missing", Offset: 6},
		`{"a" 1}`: {Problem: "a colon is missing", Offset: 5},
		`{a:1}`:   {Problem: "a member name in double quotes is missing", Offset: 1},
		`[1.]`:    {Problem: "a number is malformed", Offset: 3},
		`[tru]`:   {Problem: "a value is not JSON", Offset: 1},
		`["\x"]`:  {Problem: "an escape in a string is malformed", Offset: 3},
		"[\"0123456789\n\"]": {
			Problem: "a string contains a control character: escape it", Offset: 12,
		},
		`["abc`: {Problem: "a string has no closing quote", Offset: 5},
		`[] x`:  {Problem: "more text follows the end of the JSON value", Offset: 3},
		strings.Repeat("[", 1000): {
			Problem: "lists and objects are nested more than 512 deep", Offset: 512,
		},
	} {
		s := jsonscan.New(text)
		var v jsonscan.Value
		var got *jsonscan.SyntaxError
		if s.Value(&v) && s.End() || s.OK() || !errors.As(s.Err(), &got) || *got != want {
			t.Errorf("error %v, want %v: %.30s", s.Err(), &want, text)
			continue
		}
		if s.Value(&v); s.More() || s.Member(&v) || s.End() || s.Err().Error() != want.Error() {
			t.Errorf("goes on after a fault, which is now %v: %.30s", s.Err(), text)
		}
	}
}

func ExampleScanner() {
	s := jsonscan.New(
		`{"name": "K\u00e4ufer", "skipped": [1, {"deep": true}], "prices": [1.50, "2e3"]}`,
	)
	var name, value jsonscan.Value
	if s.Next() == '{' {
		s.Open()
		for s.Member(&name) {
			switch text, _ := name.Text(); text {
			case "name":
				s.Value(&value)
				fmt.Println(value.Text())
			case "prices":
				if s.Next() != '[' {
					s.Value(&value)
					continue
				}
				for s.Open(); s.More(); {
					s.Value(&value)
					fmt.Println(value.Kind == jsonscan.Number, value.Decimal.Mantissa, value.Decimal.Exponent)
				}
			default:
				s.Value(&value)
			}
		}
	}
	fmt.Println(s.End(), s.Err())
	// Output:
	// Käufer true
	// true 150 -2
	// false 0 0
	// true <nil>
}

func TestBooleans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"true": true, "false": false} {
		s := jsonscan.New(text)
		var v jsonscan.Value
		if !s.Value(&v) || v.Kind != jsonscan.Bool || v.True != want {
			t.Errorf("%s is read as %+v", text, v)
		}
	}
}
