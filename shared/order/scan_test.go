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

// What is JSON and what is not is tested in package jsonscan; here, that it holds for the whole of
// a message.
func TestIgnoredValuesMayBeAnyJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"null", "-1.25e400", "123456789012345678901234567890", `"\u0000\u001F\uABCD"`, `"\ud83d"`,
		`"\ud83d\ude00"`, "\"\u007f\u2028\ufeff😀\"",
		"[\t1 ,\n2\r]", `{"":{"":[{}]}}`, `{"order_id":1,"items":[]}`,
		strings.Repeat("[", 511) + strings.Repeat("]", 511),
	} {
		t.Run(value[:min(len(value), 30)], func(t *testing.T) {
			t.Parallel()
			accept(t, beside(value))
			accept(t, encode(beside(value)))
		})
	}
}

func TestBrokenJSON(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "tru", "None", "NaN", "-Infinity", "+1", "01", "1.", "1 2", `"`, `"\x"`, `"\u12g4"`, "'a'",
		"\"\n\"", "\"\x00\"",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
		"[1,]", "[1 2]", "[1}", `{"a":1,}`, `{"a" 1}`, `{"a":1]`, `{null:1}`, "{}}", "/**/1", "\u00a01",
		"\ufeff1", "1\x00",
		strings.Repeat("[", 512) + strings.Repeat("]", 512), // 513 with the order around it
		strings.Repeat(`{"a":`, 512) + "1" + strings.Repeat("}", 512),
		strings.Repeat("[", 1_000_000),
	} {
		shown := value[:min(len(value), 30)]
		refuse(t, "value "+shown, beside(value), order.InvalidJSON, "")
		refuse(t, "value encoded twice "+shown, encode(beside(value)), order.InvalidJSON, "")
	}
	for name, body := range map[string]string{
		"empty": "", "white space": " \n", "NUL": "\x00", "byte order mark": "\ufeff" + with(),
		"text": "hello", "XML": "<order/>",
		"a list": "[" + with() + "]", "a number": "42", "null": "null", "true": "true",
		"half a literal":  "tru",
		"an empty string": `""`, "a string of spaces": `"  "`, "a string of text": `"hello"`,
		"a string of a list":         `"[]"`,
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
	mixed := beside(`[true,null,-1.5e3,{"a":"\u00e9\ud83d\ude00"}]`)
	for _, whole := range []string{mixed, encode(fourItems)} {
		accept(t, whole)
		for end := range len(whole) {
			if got := parsed(t, whole[:end]); got != refused(order.InvalidJSON, "") {
				t.Errorf("cut at byte %d: %+v, want invalid_json\nmessage: %s", end, got, whole[:end])
			}
		}
	}
}
