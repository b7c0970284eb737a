package pause

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// NoteKey is the object that notes which mappings are stopped. It is no archive object: its prefix
// is neither replayed nor read as orders.
const NoteKey = "operations/pause.json"

// BucketNotes keeps the note of a pause in the archive's bucket.
type BucketNotes struct {
	Client *s3.Client
	Bucket string
}

// NotesIn returns the notes of the deployment whose archive is in the bucket.
func NotesIn(cfg aws.Config, bucket string) BucketNotes {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
	return BucketNotes{client, bucket}
}

// Read returns the note, or nil where there is none.
func (n BucketNotes) Read(ctx context.Context) (*Note, error) {
	out, err := n.Client.GetObject(
		ctx, &s3.GetObjectInput{Bucket: &n.Bucket, Key: aws.String(NoteKey)},
	)
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, nil //nolint:nilnil // there is no note
	}
	if err != nil {
		return nil, fmt.Errorf("read the note of an earlier run from the bucket %s: %w", n.Bucket, err)
	}
	defer out.Body.Close()
	var note Note
	if err := json.NewDecoder(out.Body).Decode(&note); err != nil {
		return nil, fmt.Errorf("read %s in the bucket %s: %w", NoteKey, n.Bucket, err)
	}
	return &note, nil
}

// Write stores the note.
func (n BucketNotes) Write(ctx context.Context, note Note) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	_, err = n.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &n.Bucket, Key: aws.String(NoteKey),
		Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	})
	if err != nil {
		return fmt.Errorf("note the pause in the bucket %s: %w", n.Bucket, err)
	}
	return nil
}

// Delete deletes the note.
func (n BucketNotes) Delete(ctx context.Context) error {
	_, err := n.Client.DeleteObject(
		ctx, &s3.DeleteObjectInput{Bucket: &n.Bucket, Key: aws.String(NoteKey)},
	)
	if err != nil {
		return fmt.Errorf("delete %s in the bucket %s: %w", NoteKey, n.Bucket, err)
	}
	return nil
}
