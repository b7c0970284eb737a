// Package objects finds and reads the objects of the archive.
package objects

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"orderpipeline/localstack/orderctl/inorder"
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
		for o, err := range Imports(ctx, a, "") {
			if (err != nil || w.holds(o.Modified)) && !yield(o, err) {
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

// Imports yields the objects of imports whose names begin with name, the oldest first.
func Imports(ctx context.Context, a Archive, name string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		var found []archive.Object
		for o, err := range a.List(ctx, archive.ImportsPrefix+name, "") {
			if err != nil {
				yield(o, err)
				return
			}
			if strings.HasSuffix(o.Key, archive.Suffix) {
				found = append(found, o)
			}
		}
		slices.SortStableFunc(found, func(a, b archive.Object) int {
			return cmp.Or(a.Modified.Compare(b.Modified), strings.Compare(a.Key, b.Key))
		})
		inorder.Values(slices.Values(found))(yield)
	}
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

// A Read is what was made of one object.
type Read[R any] struct {
	archive.Object
	Result  R
	Damaged error // the object could not be read to its end
}

// readers is how many objects are read at the same time. More were not faster on LocalStack.
const readers = 6

// ReadAll reads whole objects, several at the same time, and yields in the order of the list what
// use returns for their lines, NDJSON. Of an object that is truncated or damaged, use gets what
// could be read.
func ReadAll[R any](
	ctx context.Context, a Archive, list iter.Seq2[archive.Object, error],
	use func(o archive.Object, lines string) R,
) iter.Seq2[Read[R], error] {
	// An unpacked object is large: no more of them at a time than there are cores.
	cores := make(chan struct{}, runtime.GOMAXPROCS(0))
	one := func(ctx context.Context, o archive.Object) (Read[R], error) {
		stored, err := readStored(ctx, a, o.Key)
		if err != nil {
			return Read[R]{}, err
		}
		cores <- struct{}{}
		defer func() { <-cores }()
		lines, err := unpack(stored)
		if err != nil {
			err = fmt.Errorf("%s is damaged: %w", o.Key, err)
		}
		return Read[R]{o, use(o, lines), err}, nil
	}
	return inorder.Map(ctx, readers, list, one)
}

// readStored reads a whole object as it is stored, compressed.
func readStored(ctx context.Context, a Archive, key string) ([]byte, error) {
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

// unpack returns the lines of a stored object; after an error what could be read of them.
func unpack(stored []byte) (string, error) {
	if len(stored) == 0 {
		return "", io.ErrUnexpectedEOF
	}
	text, err := unpacker.DecodeAll(stored, nil)
	return string(text), err
}
