package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// ErrNotFound says that the bucket has no object with the key.
var ErrNotFound = errors.New("no such archive object")

// putLimit bounds one attempt of a put: an object has a few hundred kilobytes. The SDK makes up to
// three attempts, as long as the context allows. A put is idempotent.
const putLimit = 5 * time.Second

// A Bucket is the S3 bucket of the archive. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client // not an interface: operations that a program does not call are left out of it
	name   string
	puts   aws.HTTPClient
}

// NewBucket makes a bucket of that name. It does not speak to S3 yet.
func NewBucket(cloud aws.Config, name string) *Bucket {
	client := s3.NewFromConfig(cloud, func(o *s3.Options) {
		// An emulator has no DNS name for each bucket.
		o.UsePathStyle = cloud.BaseEndpoint != nil
	})
	return &Bucket{
		client: client, name: name, puts: awshttp.NewBuildableClient().WithTimeout(putLimit),
	}
}

// Name is the name of the bucket.
func (b *Bucket) Name() string { return b.name }

// Put stores an object. After an error it may be stored or not.
func (b *Bucket) Put(ctx context.Context, key string, object []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket:      &b.name,
		Key:         &key,
		Body:        bytes.NewReader(object),
		ContentType: aws.String(contentType),
	}, func(o *s3.Options) { o.HTTPClient = b.puts })
	if err != nil {
		return fmt.Errorf("put %s into the bucket %s: %w", key, b.name, err)
	}
	return nil
}

// Open returns the content of an object as it is stored, for Read. The caller closes it.
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get %s from the bucket %s: %w", key, b.name, err)
	}
	return out.Body, nil
}

// An Object is an entry of a List.
type Object struct {
	Key      string
	Size     int64 // compressed
	Modified time.Time
}

// List lists the objects whose keys begin with prefix and sort after the key start, in the order of
// their keys. An empty start lists all. An error ends the list.
func (b *Bucket) List(ctx context.Context, prefix, start string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
		if start != "" {
			in.StartAfter = &start
		}
		pages := s3.NewListObjectsV2Paginator(b.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, fmt.Errorf("list %s of the bucket %s: %w", prefix, b.name, err))
				return
			}
			for _, entry := range page.Contents {
				object := Object{
					Key:      aws.ToString(entry.Key),
					Size:     aws.ToInt64(entry.Size),
					Modified: aws.ToTime(entry.LastModified),
				}
				if !yield(object, nil) {
					return
				}
			}
		}
	}
}
