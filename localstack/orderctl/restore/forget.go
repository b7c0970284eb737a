package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/console"
	"orderpipeline/localstack/orderctl/objects"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
)

func forgetCommand(env *session.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "forget USER",
		Short: "Delete every line about a customer from the archive",
		Long: `Delete every line about a customer from the archive, also of refused messages whose body
names the customer, and all older versions of the objects. It cannot be undone. Every object is
read; those that name the customer are written again without these lines.

The figures still hold the customer's orders until orderctl rebuild --accept-fewer. Messages in
the queues are not touched: see orderctl dlq list and orderctl rejected list, with --contains.`,
		Example: session.Example("orderctl archive forget U1234", "orderctl rebuild --accept-fewer"),
		Args:    session.OneID,
		RunE: run(env, 0, func(ctx context.Context, s *store, args []string) error {
			return s.forget(ctx, args[0])
		}),
	}
}

// A forgotten says what was deleted.
type forgotten struct {
	UserID  string `json:"user_id"`
	Objects int64  `json:"objects"`
	Lines   int64  `json:"lines"`
}

func (s *store) forget(ctx context.Context, user string) error {
	question := fmt.Sprintf("Delete every line about the customer %q from the archive %s for good?",
		user, s.bucket.Name())
	if err := s.Confirm(question); err != nil {
		return err
	}
	result := forgotten{UserID: user}
	progress := s.Progress("searching", "objects", -1)
	defer progress.Finish()
	about := customerNeedle(user)
	all := objects.List(ctx, s.bucket, objects.Window{})
	for o, err := range objects.ReadAll(ctx, s.bucket, all, about.without) {
		if err != nil {
			return err
		}
		progress.Add(1)
		if o.Result.deleted == 0 {
			continue
		}
		if o.Damaged != nil {
			// Writing it again would hide the damage.
			return fmt.Errorf("%w: it names the customer and cannot be written again", o.Damaged)
		}
		if err := s.replace(ctx, o.Key, o.Result.kept); err != nil {
			return err
		}
		result.Objects++
		result.Lines += o.Result.deleted
	}
	if s.JSON {
		return s.Emit(result)
	}
	s.Printf(
		"deleted %s lines of %s objects\n", console.Count(result.Lines), console.Count(result.Objects),
	)
	if result.Lines > 0 {
		s.Printf("orderctl rebuild --accept-fewer removes the customer from the figures\n")
	}
	return nil
}

// customerNeedle are the forms in which a customer's id is written in a line.
func customerNeedle(user string) needle {
	member, inBody := quoted(user)
	return needle{`"user_id":` + member, inBody}
}

// A rest is what is left of an object without the lines about a customer.
type rest struct {
	kept    string
	deleted int64 // lines
}

// without returns the lines that are not about the customer, and how many are. A form that is found
// must also be the customer in the line: the same text may be another member of a body.
func (n needle) without(_ archive.Object, lines string) (r rest) {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if n.names(line) {
			r.deleted++
			continue
		}
		b.WriteString(line)
	}
	if r.deleted > 0 {
		r.kept = b.String()
	}
	return r
}

func (n needle) names(line string) bool {
	if strings.Contains(line, n[0]) {
		return true
	}
	if !strings.Contains(line, n[1]) {
		return false
	}
	var m struct {
		UserID string `json:"user_id"`
		Body   string `json:"body"`
	}
	if json.Unmarshal([]byte(line), &m) != nil || m.UserID != "" {
		return false
	}
	// The line of a refused message. A body that is not an order cannot be read: its text decides.
	var o struct {
		UserID string `json:"user_id"`
	}
	if json.Unmarshal([]byte(m.Body), &o) != nil {
		return true
	}
	return customerNeedle(o.UserID)[0] == n[0]
}

// replace writes an object again, or deletes it where no line is left, and deletes its older
// versions.
func (s *store) replace(ctx context.Context, key, lines string) error {
	if lines == "" {
		_, err := s.notes.Client.DeleteObject(ctx, &s3.DeleteObjectInput{
			Bucket: aws.String(s.bucket.Name()), Key: &key,
		})
		if err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
	} else {
		if err := s.bucket.Put(ctx, key, archive.Compress([]byte(lines))); err != nil {
			return err
		}
	}
	return s.deleteVersions(ctx, key)
}

// deleteVersions deletes the versions of an object that are not the current one.
func (s *store) deleteVersions(ctx context.Context, key string) error {
	client := s.notes.Client
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{
		Bucket: aws.String(s.bucket.Name()), Prefix: &key,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the versions of %s: %w", key, err)
		}
		for _, v := range page.Versions {
			if aws.ToBool(v.IsLatest) || aws.ToString(v.Key) != key {
				continue
			}
			_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{
				Bucket: aws.String(s.bucket.Name()), Key: &key, VersionId: v.VersionId,
			})
			if err != nil {
				return fmt.Errorf("delete an older version of %s: %w", key, err)
			}
		}
	}
	return nil
}
