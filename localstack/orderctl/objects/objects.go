// Package objects finds and reads the objects of the archive.
package objects

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"orderpipeline/shared/archive"
)

// Archive is where the objects are. *archive.Bucket is one.
type Archive interface {
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	List(ctx context.Context, prefix, start string) iter.Seq2[archive.Object, error]
}

// A Window is a span of time: objects that were written from Since to before Until. Zero times set
// no bound.
type Window struct{ Since, Until time.Time }

// List yields the objects of the window in the order in which they must be replayed: those of the
// order function by their keys, which sort by time, then imports by the time when they were
// written. Imports are written before their orders are counted, so of two different orders with one
// id the one with a message was counted first.
func List(ctx context.Context, a Archive, w Window) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for o, err := range Messages(ctx, a, bound(w.Since), bound(w.Until)) {
			if !yield(o, err) || err != nil {
				return
			}
		}
		imports, err := Imports(ctx, a, "")
		if err != nil {
			yield(archive.Object{}, err)
			return
		}
		for _, o := range imports {
			if w.holds(o.Modified) && !yield(o, nil) {
				return
			}
		}
	}
}

// bound is the key at which a bound of a window lies; empty where there is none.
func bound(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return archive.StartKey(t)
}

// Messages yields the objects of the order function whose keys sort after one key and before
// another, in the order of their keys. An empty key sets no bound.
func Messages(
	ctx context.Context, a Archive, after, before string,
) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for o, err := range a.List(ctx, archive.MessagesPrefix, after) {
			switch {
			case err == nil && before != "" && o.Key >= before:
				return
			case err == nil && !strings.HasSuffix(o.Key, archive.Suffix):
				continue // not written by the pipeline
			case !yield(o, err) || err != nil:
				return
			}
		}
	}
}

// Imports lists the objects of imports whose names begin with name, the oldest first.
func Imports(ctx context.Context, a Archive, name string) ([]archive.Object, error) {
	var found []archive.Object
	for o, err := range a.List(ctx, archive.ImportsPrefix+name, "") {
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(o.Key, archive.Suffix) {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b archive.Object) int {
		return cmp.Or(a.Modified.Compare(b.Modified), strings.Compare(a.Key, b.Key))
	})
	return found, nil
}

func (w Window) holds(t time.Time) bool {
	return !t.Before(w.Since) && (w.Until.IsZero() || t.Before(w.Until))
}

// Limits of what is read of one object. An object of a full batch of 1,000 messages of 252 KiB is
// below them.
const (
	maxStored   = 256 << 20
	maxUnpacked = 1 << 30
)

// unpacker decompresses. DecodeAll is safe for concurrent use.
var unpacker = func() *zstd.Decoder {
	d, err := zstd.NewReader(
		nil, zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderConcurrency(0),
	)
	if err != nil {
		panic(err) // the options are constants
	}
	return d
}()

// A DamagedError is about an object that was read and that is not what the archive writes.
type DamagedError struct {
	Key string
	Err error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Key, e.Err) }

func (e *DamagedError) Unwrap() error { return e.Err }

// Text reads a whole object and returns its lines, NDJSON. An object that is truncated or damaged
// is a *DamagedError; the text is then what could be read of it.
func Text(ctx context.Context, a Archive, key string) (string, error) {
	stored, err := Stored(ctx, a, key)
	if err != nil {
		return "", err
	}
	return Unpack(key, stored)
}

// Stored reads a whole object as it is stored, compressed.
func Stored(ctx context.Context, a Archive, key string) ([]byte, error) {
	body, err := a.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	stored, err := io.ReadAll(io.LimitReader(body, maxStored))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return stored, nil
}

// Unpack returns the lines of a stored object. Its error is a *DamagedError; the text is then what
// could be read.
func Unpack(key string, stored []byte) (string, error) {
	if len(stored) == 0 {
		return "", &DamagedError{key, io.ErrUnexpectedEOF}
	}
	text, err := unpacker.DecodeAll(stored, nil)
	if err != nil {
		return string(text), &DamagedError{key, err}
	}
	return string(text), nil
}
