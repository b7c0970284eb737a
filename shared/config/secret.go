package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	secretAttempts = 3
	secretLimit    = 2 * time.Second // of each attempt: all of them fit the ten seconds in which an instance must have started
	secretPause    = 100 * time.Millisecond
)

// readSecret asks Secrets Manager for the text of a secret, with the SDK's signature and connection. The SDK's client of
// Secrets Manager would be a quarter of a megabyte in each function for this one question.
func readSecret(ctx context.Context, cloud aws.Config, arn string) (string, error) {
	endpoint, err := secretEndpoint(ctx, cloud)
	if err != nil {
		return "", err
	}
	question, err := json.Marshal(map[string]string{"SecretId": arn})
	if err != nil {
		return "", err
	}
	client := awshttp.NewBuildableClient().WithTimeout(secretLimit)
	for attempt := 1; ; attempt++ {
		text, err := askSecret(ctx, client, cloud, endpoint, question)
		if err == nil || attempt == secretAttempts {
			return text, err
		}
		select {
		case <-time.After(time.Duration(attempt) * secretPause):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// secretEndpoint is the address of Secrets Manager in the function's region. Its domain is that of SQS, whose client the
// functions have anyway and which knows that of every part of AWS.
func secretEndpoint(ctx context.Context, cloud aws.Config) (string, error) {
	if cloud.BaseEndpoint != nil {
		return *cloud.BaseEndpoint, nil
	}
	endpoint, err := sqs.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sqs.EndpointParameters{
		Region: &cloud.Region, UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
	})
	if err != nil {
		return "", fmt.Errorf("AWS_REGION is %q: %w", cloud.Region, err)
	}
	return strings.Replace(endpoint.URI.String(), "//sqs.", "//secretsmanager.", 1), nil
}

func askSecret(ctx context.Context, client aws.HTTPClient, cloud aws.Config, endpoint string, question []byte) (string, error) {
	credentials, err := cloud.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(question))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	sum := sha256.Sum256(question)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "secretsmanager", cloud.Region, time.Now()); err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // a secret holds 64 KiB at most
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %.300s", response.StatusCode, body)
	}
	var answer struct{ SecretString *string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.SecretString == nil {
		return "", errors.New("the secret holds no text") // and what it holds is nobody's business
	}
	return *answer.SecretString, nil
}
