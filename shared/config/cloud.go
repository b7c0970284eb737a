package config

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Cloud is the AWS configuration of a function, read from the variables that Lambda sets for it: region and credentials
// of its role, for as long as the instance lives. The SDK's own loader also knows profiles, single sign-on and instance
// roles, which a function never has, and brings 1.5 MB and their start-up time with them. AWS_ENDPOINT_URL points at an emulator.
func Cloud(lookup Lookup) aws.Config {
	e := environment{lookup: lookup}
	c := aws.Config{
		Region:      e.get("AWS_REGION"),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(e.get("AWS_ACCESS_KEY_ID"), e.get("AWS_SECRET_ACCESS_KEY"), e.get("AWS_SESSION_TOKEN"))),
	}
	if endpoint := e.get("AWS_ENDPOINT_URL"); endpoint != "" {
		c.BaseEndpoint = &endpoint
	}
	return c
}
