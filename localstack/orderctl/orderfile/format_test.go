package orderfile

import (
	"errors"
	"strings"
	"testing"
)

func TestOtherFilesAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"CSV", "order_id,user_id\n1,2\n", "CSV table, separated by commas"},
		{"CSV that begins with a number", "17,U1,2024-12-13\n18,U2,2024-12-13\n", "CSV table"},
		{"CSV with quotes", "\"order_id\",\"user_id\"\n", "CSV table"},
		{"CSV with semicolons", "order_id;user_id;price\n1;2;3,5\n", "separated by semicolons"},
		{"CSV with tabs", "order_id\tuser_id\n", "separated by tabs"},
		{"CSV with a byte order mark", "\ufefforder_id,user_id\r\n", "CSV table"},
		{
			"xlsx", "PK\x03\x04\x14\x00\x06\x00\x08\x00........[Content_Types].xml",
			"Excel workbook (.xlsx)",
		},
		{
			"xlsx that begins with a sheet", "PK\x03\x04\x14\x00\x06\x00\x08\x00........xl/workbook.xml",
			"Excel workbook (.xlsx)",
		},
		{
			"ods", "PK\x03\x04........mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
			"OpenDocument",
		},
		{"zip", "PK\x03\x04\x14\x00\x00\x00orders.json", "zip archive"},
		{"xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "older Microsoft Office"},
		{"UTF-16 with a byte order mark", "\xff\xfe{\x00\"\x00", "UTF-16"},
		{"UTF-16, big-endian", "\xfe\xff\x00{\x00\"", "UTF-16"},
		{"UTF-16 without a byte order mark", "{\x00\"\x00a\x00", "UTF-16"},
		{"UTF-16, big-endian, without a byte order mark", "\x00{\x00\"", "UTF-16"},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", "UTF-32"},
		{"Parquet", "PAR1....", "Parquet"},
		{"zstd", "\x28\xb5\x2f\xfd....", "zstd"},
		{"bzip2", "BZh91AY", "bzip2"},
		{"xz", "\xfd7zXZ\x00", "xz"},
		{"PDF", "%PDF-1.7", "PDF"},
		{"SQLite", "SQLite format 3\x00", "SQLite"},
		{"tar", strings.Repeat("x", 257) + "ustar\x0000", "tar archive"},
		{"a program", "\x7fELF\x02\x01\x01\x00\x00\x00", "no text"},
		{"XML", "<?xml version=\"1.0\"?>\n<orders/>", "XML"},
		{"prose", "Dear Sir\nplease find\n", `its first line, "Dear Sir", is no order`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for how, in := range map[string]string{"plain": c.in, "gzip": gzipped(t, c.in)} {
				if _, err := NewReader(strings.NewReader(in)); !errors.Is(err, ErrInput) ||
					!strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: error %v, want ErrInput with %q", how, err, c.want)
				}
			}
		})
	}
}
