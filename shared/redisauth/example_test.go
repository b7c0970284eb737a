package redisauth_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"orderpipeline/shared/redisauth"
)

// rotating is a Secrets Manager whose secret has another password at each reading.
type rotating struct{ readings int }

func (r *rotating) GetSecretValue(
	context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	r.readings++
	text := fmt.Sprintf(`{"username":"orders","password":"password %d"}`, r.readings)
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(text)}, nil
}

// The secret is read once. When Redis refuses a login, it is read again.
func ExampleSecret() {
	ctx := context.Background()
	secret, err := redisauth.NewSecret(
		ctx, &rotating{}, "arn:aws:secretsmanager:…", "", time.Now,
	)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		username, password, err := secret.Credentials(ctx)
		fmt.Println(username, password, err)
	}

	fmt.Println(secret.Renew(ctx, "orders", "password 1"))
	_, password, err := secret.Credentials(ctx)
	fmt.Println(password, err)
	// Output:
	// orders password 1 <nil>
	// orders password 1 <nil>
	// true
	// password 2 <nil>
}
