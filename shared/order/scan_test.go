package order_test

import (
	"strings"
	"testing"

	"orderpipeline/shared/order"
)

// beside writes the sample with one more member, which Parse must check and ignore.
func beside(value string) string {
	return strings.TrimSuffix(with(), "}") + `,"ignored":` + value + "}"
}

func TestIgnoredValuesMayBeAnyJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"null", "true", "false", "0", "-0", "-0.0", "1", "-1", "0.5", "10", "1e5", "1E+5", "1e-5", "0e0", "1.25e400", "-1e-400", "123456789012345678901234567890",
		`""`, `"a"`, `"\"\\\/\b\f\n\r\t"`, `"\u0000\u001F\uABCD\uabcd"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\u0041"`, "\"\u007f\u0080\u2028\ufeff😀\"", `"/"`,
		"[]", "[ ]", "[\t1 ,\n2\r]", "[[],[[]],{}]", "{}", "{ }", `{"a":1}`, `{"a":1,"a":2}`, `{"":{"":[{}]}}`, `[[[[[[[[{"a":[1,2,{"b":null}]}]]]]]]]]`,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			accept(t, beside(value))
			accept(t, encode(beside(value)))
		})
	}
}

func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "nul", "nulll", "True", "tru", "None", "undefined", "NaN", "Infinity", "-Infinity", "-", "+1", ".5", "1.", "-.5", "01", "-01", "00", "1e", "1e+", "1.e5", "1ee5", "0x10", "1_000", "1,000", "1 2",
		`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `'a'`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", "`a`", "a",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
		"[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1;2]", "[1}", "[1:2]",
		"{", "{}}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,"a":1}`, `{"a" 1}`, `{"a",1}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":1 "b":2}`, `{"a":1]`, `{"a":}`, `{"a"::1}`, `{null:1}`,
		"/**/1", "1//", "#", "\u00a01", "\ufeff1", "\v1", "\f1", "1\x00", "\\u0031",
		strings.Repeat("[", 512) + strings.Repeat("]", 512), // 513 with the order around it
		strings.Repeat(`{"a":`, 512) + "1" + strings.Repeat("}", 512),
		strings.Repeat("[", 1_000_000),
	} {
		shown := value[:min(len(value), 30)]
		refuse(t, "value "+shown, beside(value), order.InvalidJSON, "")
		refuse(t, "value encoded twice "+shown, encode(beside(value)), order.InvalidJSON, "")
	}
	for name, body := range map[string]string{
		"empty": "", "white space": " \n", "NUL": "\x00", "byte order mark": "\ufeff" + with(), "text": "hello", "XML": "<order/>",
		"a list": "[" + with() + "]", "a number": "42", "null": "null", "true": "true", "half a literal": "tru",
		"an empty string": `""`, "a string of spaces": `"  "`, "a string of text": `"hello"`, "a string of a list": `"[]"`,
		"encoded three times":        encode(encode(with())),
		"text after the order":       with() + "x",
		"two orders":                 with() + "\n" + with(),
		"text after a string":        encode(with()) + "x",
		"text after the inner order": encode(with() + "x"),
		"a string that is not ended": strings.TrimSuffix(encode(with()), `"`),
		"half a character encoded":   `"{\"note\":\"\ud83d\"}"`,
		"a name that is not ended":   `{"order_id`,
		"UTF-16":                     strings.Join(strings.Split(with(), ""), "\x00"),
	} {
		refuse(t, name, body, order.InvalidJSON, "")
	}
}

// Every beginning of a message that is not the whole of it is broken JSON.
func TestCutMessages(t *testing.T) {
	t.Parallel()
	for _, whole := range []string{beside(`[true,null,-1.5e3,{"a":"\u00e9\ud83d\ude00"}]`), encode(fourItems)} {
		accept(t, whole)
		for end := range len(whole) {
			if got := parsed(t, whole[:end]); got != refused(order.InvalidJSON, "") {
				t.Errorf("cut at byte %d: %+v, want invalid_json\nmessage: %s", end, got, whole[:end])
			}
		}
	}
}
