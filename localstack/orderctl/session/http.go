package session

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// ReadAtOnce makes an SQS client read each answer before the SDK sees it. The SDK closes the body
// of a request as soon as the answer begins; when the transport has not noticed by then that the
// whole request is sent, it closes the connection, and the rest of the answer is lost. The SDK
// retries, but the messages of a lost ReceiveMessage stay hidden until their visibility timeout
// ends, and what SendMessage sent is in the queue twice. On a busy machine that happened to one
// receive in a hundred.
func ReadAtOnce(o *sqs.Options) { o.HTTPClient = eager{o.HTTPClient} }

type eager struct{ client sqs.HTTPClient }

// Do sends the request and reads the answer.
func (e eager) Do(req *http.Request) (*http.Response, error) {
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
