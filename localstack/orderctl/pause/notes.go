package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"orderpipeline/localstack/orderctl/pause"
)

// noteKey is the object that notes which mappings are stopped. It is no archive object: its prefix
// is neither replayed nor read as orders.
const noteKey = "operations/pause.json"

// notes keeps the note of a pause in the archive's bucket.
type notes struct {
	client *s3.Client
	bucket string
}

func (n notes) Read(ctx context.Context) (*pause.Note, error) {
	out, err := n.client.GetObject(
		ctx, &s3.GetObjectInput{Bucket: &n.bucket, Key: aws.String(noteKey)},
	)
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, nil //nolint:nilnil // there is no note
	}
	if err != nil {
		return nil, fmt.Errorf("read the note of an earlier run from the bucket %s: %w", n.bucket, err)
	}
	defer out.Body.Close()
	var note pause.Note
	if err := json.NewDecoder(out.Body).Decode(&note); err != nil {
		return nil, fmt.Errorf("read %s in the bucket %s: %w", noteKey, n.bucket, err)
	}
	return &note, nil
}

func (n notes) Write(ctx context.Context, note pause.Note) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	_, err = n.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &n.bucket, Key: aws.String(noteKey),
		Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	})
	if err != nil {
		return fmt.Errorf("note the pause in the bucket %s: %w", n.bucket, err)
	}
	return nil
}

func (n notes) Delete(ctx context.Context) error {
	_, err := n.client.DeleteObject(
		ctx, &s3.DeleteObjectInput{Bucket: &n.bucket, Key: aws.String(noteKey)},
	)
	if err != nil {
		return fmt.Errorf("delete %s in the bucket %s: %w", noteKey, n.bucket, err)
	}
	return nil
}
