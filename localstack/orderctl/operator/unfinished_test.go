package operator

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/shared/archive/s3test"
)

// A rebuild that was interrupted leaves figures that are too low, and everything else is well.
func TestStatusNamesWhatWasInterrupted(t *testing.T) {
	t.Parallel()
	const bucket = "archive"
	service := s3test.Start(bucket)
	t.Cleanup(service.Close)
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	s := onAWS()
	s.AWS = service.Config()
	s.Outputs = map[string]string{"ArchiveBucketName": bucket}
	notes := pause.NotesIn(s.AWS, bucket)

	check := func(name, want string) {
		t.Helper()
		var st status
		st.unfinished(t.Context(), s)
		if got := strings.Join(st.Faults, "; "); want == "" && got != "" ||
			!strings.Contains(got, want) {
			t.Errorf("%s: faults %q, want %q", name, got, want)
		}
	}
	check("no command was interrupted", "")

	note := pause.Note{Operation: "verify", Began: now}
	if err := notes.Write(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	check("verify", "a verify, begun 2026-01-02T12:00:00Z, has not ended. ")

	note.Operation, note.Step = "rebuild", "replay"
	if err := notes.Write(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	check("rebuild", "a rebuild, begun 2026-01-02T12:00:00Z, has not ended: figures are too low")

	service.Judge(func(s3test.Call) s3test.Fault {
		return s3test.Fault{Status: http.StatusForbidden, Code: "AccessDenied"}
	})
	check("the archive refuses", "from the bucket "+bucket)
}
