package archive

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Where objects lie in the bucket. The version changes when a reader of this version could not read
// the lines.
const (
	MessagesPrefix = "messages/v1/" // written by the order function
	ImportsPrefix  = "imports/v1/"  // written by orderctl import
	Suffix         = ".ndjson.zst"  // of every key
	contentType    = "application/zstd"
)

// The parts of a key. Partitions by UTC date and hour are what DuckDB and Athena know from Hive.
const (
	partitionLayout = "date=2006-01-02/hour=15/"
	timeLayout      = "20060102T150405.000000Z"
)

// Key names the object of one invocation: its keys sort by time. Two invocations of one microsecond
// differ in random, which is to be a random number.
func Key(now time.Time, random uint64) string {
	now = now.UTC()
	return fmt.Sprintf("%s%s%s-%016x%s",
		MessagesPrefix, now.Format(partitionLayout), now.Format(timeLayout), random, Suffix)
}

// ArchivedAt returns the time in a key that Key made.
func ArchivedAt(key string) (time.Time, error) {
	name := key[strings.LastIndexByte(key, '/')+1:]
	text, _, _ := strings.Cut(name, "-")
	at, err := time.Parse(timeLayout, text)
	if err != nil || !strings.HasPrefix(key, MessagesPrefix) || !strings.HasSuffix(key, Suffix) {
		return time.Time{}, fmt.Errorf("%q is not the key of an archive object", key)
	}
	return at, nil
}

// StartKey sorts before the key of every object that is archived at that time or later, and after
// every other key of MessagesPrefix.
func StartKey(at time.Time) string {
	at = at.UTC()
	return MessagesPrefix + at.Format(partitionLayout) + at.Format(timeLayout)
}

// ImportKey names an object of an imported file by the SHA-256 of the file. So a file that is
// imported twice has the same keys. A large file has several objects, numbered from 0.
func ImportKey(digest [32]byte, number int) string {
	return fmt.Sprintf("%s%s-%06d%s", ImportsPrefix, hex.EncodeToString(digest[:]), number, Suffix)
}
