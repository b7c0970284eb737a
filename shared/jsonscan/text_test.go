package jsonscan_test

import (
	"fmt"
	"strings"
	"testing"

	"orderpipeline/shared/jsonscan"
)

func TestText(t *testing.T) {
	t.Parallel()
	for quoted, want := range map[string]struct {
		text  string
		whole bool
	}{
		`""`:                         {"", true},
		`"é😀"`:                       {"é😀", true},
		`"\"\\\/\b\f\n\r\t"`:         {"\"\\/\b\f\n\r\t", true},
		`"\u0041\u00e9\uFFFD\u0000"`: {"Aé\uFFFD\x00", true},
		`"a\ud83d\ude00b"`:           {"a😀b", true},
		`"\ud83d"`:                   {"\uFFFD", false},
		`"\ude00"`:                   {"\uFFFD", false},
		`"\ude00\ud83d"`:             {"\uFFFD\uFFFD", false},
		`"\ud83d\ud83d\ude00"`:       {"\uFFFD😀", false},
		`"\ud83d\u0041"`:             {"\uFFFDA", false},
		`"\ud83d\\ude00"`:            {`�\ude00`, false},
		`"\ud83dx"`:                  {"\uFFFDx", false},
		`"\\ud83d"`:                  {`\ud83d`, true},
		"17":                         {"", true},
		"[\"a\"]":                    {"", true},
	} {
		s := jsonscan.New(quoted)
		var v jsonscan.Value
		if !s.Value(&v) {
			t.Errorf("%s: %v", quoted, s.Err())
			continue
		}
		if text, whole := v.Text(); text != want.text || whole != want.whole {
			t.Errorf("%s is %q, whole: %v; want %q, %v", quoted, text, whole, want.text, want.whole)
		}
		var slab jsonscan.Slab
		if text, whole := slab.Text(&v); text != want.text || whole != want.whole {
			t.Errorf(
				"in a slab %s is %q, whole: %v; want %q, %v", quoted, text, whole, want.text, want.whole,
			)
		}
	}
}

// Texts in a slab stay as they are, whatever else is put there.
func TestTextsOfASlabStay(t *testing.T) {
	t.Parallel()
	var slab jsonscan.Slab
	var texts, want []string
	for i := range 3000 {
		plain := fmt.Sprintf("%d%s\n", i, strings.Repeat("x", i%200))
		if i == 1000 {
			plain = strings.Repeat("long", 100_000) + "\n"
		}
		s := jsonscan.New(`"` + strings.TrimSuffix(plain, "\n") + `\n"`)
		var v jsonscan.Value
		if !s.Value(&v) {
			t.Fatal(s.Err())
		}
		text, _ := slab.Text(&v)
		texts, want = append(texts, text), append(want, plain)
	}
	for i := range texts {
		if texts[i] != want[i] {
			t.Fatalf("text %d is now %.50q, want %.50q", i, texts[i], want[i])
		}
	}
}

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]jsonscan.Decimal{
		"0": {}, "-0": {Negative: true}, "0.00": {Exponent: -2}, "1": {Mantissa: 1},
		"-0.50": {Mantissa: 50, Exponent: -2, Negative: true},
		"1e3":   {Mantissa: 1, Exponent: 3}, "12.5E-3": {Mantissa: 125, Exponent: -4},
		"1e+2":                     {Mantissa: 1, Exponent: 2},
		"9999999999999999999":      {Mantissa: 9999999999999999999},
		"12345678901234567890":     {Mantissa: 1234567890123456789, Exponent: 1},
		"12345678901234567891":     {Mantissa: 1234567890123456789, Exponent: 1, More: true},
		"1.2345678901234567890":    {Mantissa: 1234567890123456789, Exponent: -18},
		"1.23456789012345678901":   {Mantissa: 1234567890123456789, Exponent: -18, More: true},
		"0.0000000000000000000012": {Mantissa: 12, Exponent: -22},
	} {
		if got, ok := jsonscan.ParseDecimal(text); !ok || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, ok, want)
		}
		sameNumber(t, want, text)
	}
	texts := map[int64]string{1: "1e18446744073709551617", -1: "1e-18446744073709551617"}
	for sign, text := range texts {
		if d, ok := jsonscan.ParseDecimal(text); !ok || d.Exponent*sign < 1e15 {
			t.Errorf("%s is %+v, %v; want an exponent beyond every other", text, d, ok)
		}
	}
	for _, text := range []string{
		"", " 1", "1 ", "+1", "01", ".5", "1.", "-", "1e", "1e+", "0x1", "1,000", "1_000", "NaN", "inf",
		"1\x00", "٣", "--1",
	} {
		if d, ok := jsonscan.ParseDecimal(text); ok {
			t.Errorf("%q was taken as the decimal %+v", text, d)
		}
	}
}

const mixed = `{"id": "059f36b4-87a3-44ab-83d2-661975830a7d",` +
	` "handle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0aAQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",` +
	` "list": [1, 20.50, {"flag": true, "none": null}], "text": "K\u00e4ufer \"A\"\n"}`

func TestScanningDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if !valid(mixed) {
			t.Error("not valid")
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkScan(b *testing.B) {
	long := `"` + strings.Repeat("long ", 1000) + `"`
	for name, text := range map[string]string{"mixed": mixed, "long string": long} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if !valid(text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
