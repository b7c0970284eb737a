package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"orderpipeline/localstack/orderctl/filecheck"
	"orderpipeline/localstack/orderctl/orderfile"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// Limits of one object of an import. The replay function counts 20,000 orders within a second or
// two. They must never change: the name of an object is the SHA-256 of the file and the number of
// the chunk.
const (
	chunkEntries = 20_000
	chunkBytes   = 16 << 20
)

// A fileChunk is what one object of an import holds: the valid orders among a run of entries of the
// file.
type fileChunk struct {
	key   string
	lines []archive.Line
}

// chunks checks the file again and cuts it into objects. Refused and repeated entries count as
// entries, so that the cuts depend on nothing but the file.
func chunks(ctx context.Context, in io.Reader, digest [32]byte) iter.Seq2[fileChunk, error] {
	return func(yield func(fileChunk, error) bool) {
		reader, err := orderfile.NewReader(in)
		if err != nil {
			yield(fileChunk{}, err)
			return
		}
		var lines []archive.Line
		number, entries, size := 0, 0, 0
		for v, err := range filecheck.All(ctx, reader) {
			if err != nil {
				yield(fileChunk{}, err)
				return
			}
			if entries == chunkEntries || size+len(v.Body) > chunkBytes && entries > 0 {
				if !yield(fileChunk{archive.ImportKey(digest, number), lines}, nil) {
					return
				}
				number, entries, size, lines = number+1, 0, 0, nil
			}
			entries++
			size += len(v.Body)
			if v.Refusal == nil && !v.Duplicate() {
				line := archive.Line{Outcome: archive.Recorded, Order: v.Order, Body: v.Body}
				lines = append(lines, line)
			}
		}
		if entries > 0 {
			yield(fileChunk{archive.ImportKey(digest, number), lines}, nil)
		}
	}
}

// An asideFile takes the refused orders of a file.
type asideFile struct {
	file *os.File
	out  *json.Encoder
}

func newAsideFile(file *os.File) *asideFile {
	out := json.NewEncoder(file)
	out.SetEscapeHTML(false)
	return &asideFile{file, out}
}

// setAside writes the entry where it is refused.
func (f *asideFile) setAside(v *filecheck.Verdict) error {
	if v.Refusal == nil {
		return nil
	}
	err := f.out.Encode(struct {
		Line   int          `json:"line"`
		Reason order.Reason `json:"reason"`
		Field  string       `json:"field,omitempty"`
		Detail string       `json:"detail"`
		Body   string       `json:"body"`
	}{v.Line, v.Refusal.Reason, v.Refusal.Field, v.Refusal.Detail, v.Body})
	if err != nil {
		return fmt.Errorf("write %s: %w", f.file.Name(), err)
	}
	return nil
}

// end makes sure that the file is on disk, or removes it where it is not kept.
func (f *asideFile) end(keep bool) error {
	if !keep {
		f.file.Close()
		return os.Remove(f.file.Name())
	}
	err := errors.Join(f.file.Sync(), f.file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", f.file.Name(), err)
	}
	return nil
}
