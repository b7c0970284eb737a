package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/localstack/orderctl/inorder"
	"orderpipeline/shared/archive"
	"orderpipeline/shared/order"
)

// A shelf is an archive in memory.
type shelf map[string]stored

type stored struct {
	content  []byte
	modified time.Time
}

func (s shelf) Open(_ context.Context, key string) (io.ReadCloser, error) {
	o, found := s[key]
	if !found {
		return nil, archive.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(o.content)), nil
}

func (s shelf) List(_ context.Context, prefix, start string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(s)) {
			if strings.HasPrefix(key, prefix) && key > start &&
				!yield(
					archive.Object{Key: key, Size: int64(len(s[key].content)), Modified: s[key].modified}, nil,
				) {
				return
			}
		}
	}
}

func keys(t *testing.T, s shelf, w Window) (got []string) {
	t.Helper()
	for o, err := range List(t.Context(), s, w) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	return got
}

func TestList(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	first, second, third := archive.Key(at, 1), archive.Key(at.Add(time.Second), 2), archive.Key(
		at.Add(25*time.Hour), 3,
	)
	older, newer := archive.ImportKey([32]byte{9}, 0), archive.ImportKey([32]byte{1}, 0)
	s := shelf{
		first: {}, second: {}, third: {},
		older:                            {modified: at},
		newer:                            {modified: at.Add(48 * time.Hour)},
		archive.MessagesPrefix + "x.txt": {}, // of another program
		"operations/note.json":           {},
	}
	for _, c := range []struct {
		name string
		Window
		want []string
	}{
		{"all", Window{}, []string{first, second, third, older, newer}},
		{"since", Window{Since: at.Add(time.Second)}, []string{second, third, newer}},
		{"until", Window{Until: at.Add(time.Second)}, []string{first, older}},
		{"both", Window{Since: at.Add(time.Second), Until: at.Add(24 * time.Hour)}, []string{second}},
		{"none", Window{Since: at.Add(72 * time.Hour)}, nil},
	} {
		if diff := cmp.Diff(c.want, keys(t, s, c.Window)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// read reads one object and returns its lines, and the damage or the error.
func read(t *testing.T, s shelf, key string) (lines string, err error) {
	t.Helper()
	list := inorder.Values(slices.Values([]archive.Object{{Key: key}}))
	same := func(_ archive.Object, lines string) string { return lines }
	for r, err := range ReadAll(t.Context(), s, list, same) {
		return r.Result, errors.Join(err, r.Damaged)
	}
	return "", errors.New("nothing was read")
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	object := archive.Encode(
		archive.Line{Outcome: archive.Invalid, Reason: order.InvalidJSON, Body: "a"},
		archive.Line{Outcome: archive.Invalid, Reason: order.InvalidJSON, Body: "b"},
	)
	s := shelf{
		"whole": {content: object},
		"cut":   {content: object[:len(object)-5]},
		"other": {content: []byte("text")},
		"empty": {},
	}

	got, err := read(t, s, "whole")
	want := `{"outcome":"invalid","reason":"invalid_json","body":"a"}` + "\n" +
		`{"outcome":"invalid","reason":"invalid_json","body":"b"}` + "\n"
	if err != nil || got != want {
		t.Errorf("error %v, text %q; want %q", err, got, want)
	}
	for _, key := range []string{"cut", "other", "empty"} {
		if _, err := read(t, s, key); err == nil || !strings.HasPrefix(err.Error(), key+" is damaged: ") {
			t.Errorf("%s: error %v, want that it is damaged", key, err)
		}
	}
	if _, err := read(t, s, "none"); !errors.Is(err, archive.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}
