package orderfile

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// A layout is how the entries of a text are separated.
type layout uint8

const (
	lines  layout = iota // each line is one entry
	values               // one JSON value after the other, over any number of lines
	array                // [entry, entry]
	orders               // {"orders": [entry, entry]}
)

const byteOrderMark = "\ufeff"

// wanted ends every complaint about a format.
const wanted = "orderctl reads JSON: one order on each line (NDJSON), a JSON array or " +
	"{\"orders\": […]}, also compressed with gzip"

// A signature is how a kind of file begins, and what to do with it.
type signature struct{ begin, advice string }

const utf16 = "it is UTF-16 text. Convert it with `iconv -f UTF-16 -t UTF-8 FILE > orders.ndjson`"

// signatures of files that hold no text. The longer of two that begin alike comes first.
var signatures = []signature{
	{
		"\xff\xfe\x00\x00",
		"it is UTF-32 text. Convert it with `iconv -f UTF-32 -t UTF-8 FILE > orders.ndjson`",
	},
	{"\xff\xfe", utf16},
	{"\xfe\xff", utf16},
	{
		"PAR1",
		"it is a Parquet file. Convert it with DuckDB: " +
			"COPY (FROM 'FILE') TO 'orders.ndjson' (FORMAT json)",
	},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd. Unpack it with `zstdcat FILE | orderctl … -`"},
	{"BZh", "it is compressed with bzip2. Unpack it with `bzcat FILE | orderctl … -`"},
	{"\xfd7zXZ\x00", "it is compressed with xz. Unpack it with `xzcat FILE | orderctl … -`"},
	{"7z\xbc\xaf\x27\x1c", "it is a 7z archive. Unpack it first"},
	{
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
		"it is a file of an older Microsoft Office, such as an Excel workbook (.xls). " + spreadsheet,
	},
	{"%PDF-", "it is a PDF document, which holds no orders that a program could read"},
	{"SQLite format 3\x00", "it is an SQLite database. Write its orders as JSON first"},
	{"Obj\x01", "it is an Avro file. Convert it to JSON first"},
	{"ORC", "it is an ORC file. Convert it to JSON first"},
}

const spreadsheet = "A table cannot hold the items of an order: write each order as a JSON " +
	"object first. " + wanted

// binary says what a file is that is no UTF-8 text; empty for text.
func binary(head []byte) string {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return zip(head)
	}
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.begin)) {
			return s.advice
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "it is a tar archive. Unpack it first: `tar -xOf FILE NAME | orderctl … -`"
	}
	// Without a byte order mark: the first character of JSON is one byte, the other byte of a UTF-16
	// unit is zero.
	if len(head) >= 2 && (head[0] == 0) != (head[1] == 0) {
		return utf16
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return "it is no text. " + wanted
	}
	return ""
}

// zip tells the Office formats, which are zip archives, from plain ones by the names of their first
// members.
func zip(head []byte) string {
	switch {
	case bytes.Contains(head, []byte("xl/")), bytes.Contains(head, []byte("[Content_Types].xml")):
		return "it is an Excel workbook (.xlsx). " + spreadsheet
	case bytes.Contains(head, []byte("application/vnd.oasis.opendocument")):
		return "it is an OpenDocument file, such as a spreadsheet (.ods). " + spreadsheet
	}
	return "it is a zip archive. Unpack it with `unzip -p FILE | orderctl … -`"
}

// recognise tells the layout of a text from its beginning, and where the entries of a list begin;
// or it says what else the file is.
func recognise(head []byte) (l layout, begin int, problem string) {
	rest := head[skipSpace(head, 0):]
	if len(rest) == 0 {
		return lines, 0, "" // nothing but white space
	}
	if begin, isList := listBegin(head); isList {
		if rest[0] == '[' {
			return array, begin, ""
		}
		return orders, begin, ""
	}
	if rest[0] == '{' {
		return lineOrValue(rest), 0, ""
	}
	return lines, 0, otherText(rest)
}

// otherText says what a text is that begins neither with an object nor with an array; empty where
// its first line is a broken order.
func otherText(text []byte) string {
	switch text[0] {
	case '"':
		end, whole := valueEnd(text, 0)
		after := bytes.TrimLeft(text[end:], " \r")
		if whole && bytes.IndexAny(after, ",;\t") == 0 {
			return csv(firstLine(text))
		}
		return ""
	case '<':
		return "it is XML or HTML. " + wanted
	}
	if bytes.Contains(text, []byte("\n{")) {
		return "" // another line begins an object: the first one is a broken order
	}
	first := firstLine(text)
	if bytes.ContainsAny(first, ",;\t") {
		return csv(first)
	}
	return fmt.Sprintf("its first line, %s, is no order in JSON. %s", quote(first), wanted)
}

func csv(first []byte) string {
	separator, most := "commas", bytes.Count(first, []byte(","))
	for _, other := range []struct{ mark, name string }{{";", "semicolons"}, {"\t", "tabs"}} {
		if n := bytes.Count(first, []byte(other.mark)); n > most {
			separator, most = other.name, n
		}
	}
	return fmt.Sprintf(
		"it is a CSV table, separated by %s, whose first line is %s. %s",
		separator,
		quote(first),
		spreadsheet,
	)
}

// isTable says whether the first two lines have the same number of a separator, and are no JSON.
// One line with commas may be a message that is broken on purpose; two alike are a table.
func isTable(head []byte) bool {
	at := skipSpace(head, 0)
	if at == len(head) || head[at] == '{' || head[at] == '[' {
		return false
	}
	first, rest, _ := bytes.Cut(head[at:], []byte("\n"))
	second := firstLine(rest)
	for _, mark := range []string{",", ";", "\t"} {
		n := bytes.Count(first, []byte(mark))
		if n > 0 && n == bytes.Count(second, []byte(mark)) {
			return true
		}
	}
	return false
}

const quotedBytes = 60

func quote(line []byte) string {
	if len(line) > quotedBytes {
		line = line[:quotedBytes]
		for len(line) > 0 && !utf8.Valid(line) {
			line = line[:len(line)-1]
		}
		return fmt.Sprintf("%q…", line)
	}
	return fmt.Sprintf("%q", line)
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimSpace(line)
}

// lineOrValue decides between one object a line and objects over several lines, which begin with an
// object.
func lineOrValue(head []byte) layout {
	first := firstLine(head)
	if end, whole := valueEnd(first, 0); whole && end == len(first) {
		return lines
	}
	if len(first) == len(head) {
		return lines // one line, longer than what was looked at or without an end
	}
	_, rest, _ := bytes.Cut(head, []byte("\n"))
	if bytes.HasPrefix(bytes.TrimLeft(rest, "\r\n"), []byte("{")) {
		return lines // the first line is broken, the second begins a new object
	}
	return values
}

// listBegin returns where the entries of a list begin: of an array, or of an object whose member
// "orders" is an array. An order has no such member.
func listBegin(head []byte) (begin int, isList bool) {
	at := skipSpace(head, 0)
	if at < len(head) && head[at] == '{' {
		at = findOrders(head, at+1)
	}
	if at == len(head) || head[at] != '[' {
		return 0, false
	}
	return at + 1, true
}

// findOrders returns where the value of the member "orders" begins, in an object that is open at
// at; len(text) where there is no such member.
func findOrders(text []byte, at int) int {
	for {
		name := skipSpace(text, at)
		end, whole := valueEnd(text, name)
		colon := skipSpace(text, end)
		if !whole || text[name] != '"' || colon == len(text) || text[colon] != ':' {
			return len(text)
		}
		at = skipSpace(text, colon+1)
		if string(text[name:end]) == `"orders"` {
			return at
		}
		end, whole = valueEnd(text, at)
		comma := skipSpace(text, end)
		if !whole || comma == len(text) || text[comma] != ',' {
			return len(text)
		}
		at = comma + 1
	}
}
