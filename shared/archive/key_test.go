package archive_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"orderpipeline/shared/archive"
)

func TestKey(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 12, 13, 0, 30, 5, 123456789, time.FixedZone("east", 3600))
	key := archive.Key(at, 0xbeef)
	want := "messages/v1/date=2024-12-12/hour=23/" +
		"20241212T233005.123456Z-000000000000beef.ndjson.zst"
	if key != want {
		t.Errorf("key %s, want %s", key, want)
	}
	got, err := archive.ArchivedAt(key)
	if err != nil || !got.Equal(at.Truncate(time.Microsecond)) {
		t.Errorf("archived at %v, error %v, want %v", got, err, at.Truncate(time.Microsecond))
	}
}

func TestKeysSortByTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	keys := []string{
		archive.Key(at.Add(-time.Hour), 9),
		archive.StartKey(at),
		archive.Key(at, 1),
		archive.Key(at, 2),
		archive.StartKey(at.Add(time.Microsecond)),
		archive.Key(at.Add(time.Microsecond), 0),
		archive.Key(at.AddDate(0, 0, 40), 0),
	}
	if !slices.IsSorted(keys) {
		t.Errorf("not in order: %q", keys)
	}
}

func TestArchivedAtRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	good := archive.Key(time.Now(), 1)
	for _, key := range []string{
		"", "x", "messages/v1/", strings.TrimSuffix(good, archive.Suffix),
		strings.Replace(good, "v1", "v2", 1),
		archive.ImportKey(sha256.Sum256(nil), 0), strings.Replace(good, "Z-", "-", 1),
	} {
		if at, err := archive.ArchivedAt(key); err == nil {
			t.Errorf("%q was archived at %v, want an error", key, at)
		}
	}
}

func TestImportKey(t *testing.T) {
	t.Parallel()
	want := "imports/v1/" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855-000012.ndjson.zst"
	if key := archive.ImportKey(sha256.Sum256(nil), 12); key != want {
		t.Errorf("key %s, want %s", key, want)
	}
}
