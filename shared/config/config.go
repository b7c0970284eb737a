// Package config reads the functions' settings from the environment. It reads every variable that a
// function uses, and does nothing else. A wrong or missing setting is an error that names the
// variable and says what to write.
package config

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"orderpipeline/shared/ledger"
)

// Defaults of settings that are not given. A test compares them with those of template.yaml.
const (
	// DefaultRetentionDays is long enough to replay a year of archived orders. A marker costs 77
	// bytes.
	DefaultRetentionDays = 400
	// MinRetentionDays is four days in orders and fourteen in orders-dlq: an order_id that is
	// forgotten earlier could be counted twice.
	MinRetentionDays = 18
	MaxRetentionDays = 3650
	// DefaultRetrySeconds outlasts a short interruption of Redis.
	DefaultRetrySeconds = 5
	// DefaultMaxReceives times the delays between two attempts is more than a day.
	DefaultMaxReceives = 300
	// DefaultListen lets only this machine connect, because the server has no authentication.
	DefaultListen = "127.0.0.1:8080"
)

// Shared are the settings of all functions.
type Shared struct {
	AWS       AWS
	Redis     ledger.Connection
	Auth      string // AuthNone, AuthSecret or AuthIAM
	SecretARN string // of the Secrets Manager secret that AuthSecret reads
	CacheName string // the id of the ElastiCache replication group that AuthIAM logs in to
	Ledger    ledger.Options
	LogLevel  slog.Level
	StackName string // the dimension of the CloudWatch metrics; empty outside a stack
}

// AWS are the settings that Lambda gives each function.
type AWS struct {
	Region          string
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Endpoint        string // of an emulator; empty on AWS
}

// Retries say how often and when a failed message of a queue is processed again.
type Retries struct {
	FirstDelay  time.Duration // after the first failed receive; each further failure multiplies it
	MaxReceives int           // the queue's maxReceiveCount
}

// Orders are the settings of the order function.
type Orders struct {
	Shared
	Retries
	OrdersURL     string
	RejectedURL   string
	ArchiveBucket string
}

// Stats are the settings of the stats function.
type Stats struct {
	Shared
	// Queues are the URLs of the queues whose depth is shown, by name; a queue without a URL is left
	// out.
	Queues map[string]string
	// Listen is the address of the plain HTTP server.
	Listen string
	// InLambda says that the Lambda runtime started the function, which then serves API Gateway.
	InLambda bool
}

// Replay are the settings of the replay function.
type Replay struct {
	Shared
	Retries
	ReplayURL     string
	DLQURL        string // for objects that cannot be read
	RejectedURL   string // for orders that conflict with what was counted after a loss
	ArchiveBucket string
}

// ForOrders reads the order function's settings.
func ForOrders(lookup Lookup) (Orders, error) {
	e := environment{lookup: lookup}
	c := Orders{
		Shared:        e.shared(),
		Retries:       e.retries("ORDERS_MAX_RECEIVES"),
		OrdersURL:     e.needed("ORDERS_QUEUE_URL", "the URL of the queue of orders"),
		RejectedURL:   e.needed("REJECTED_QUEUE_URL", "the URL of the queue of rejected messages"),
		ArchiveBucket: e.needed("ARCHIVE_BUCKET", "the name of the archive's S3 bucket"),
	}
	c.Ledger.Zone = e.zone()
	return c, errors.Join(e.errs...)
}

// ForStats reads the stats function's settings.
func ForStats(lookup Lookup) (Stats, error) {
	e := environment{lookup: lookup}
	c := Stats{
		Shared:   e.shared(),
		Queues:   map[string]string{},
		Listen:   cmp.Or(e.get("LISTEN"), DefaultListen),
		InLambda: e.get("AWS_LAMBDA_RUNTIME_API") != "",
	}
	c.Ledger.Zone = e.zone()
	for name, variable := range map[string]string{
		"orders":            "ORDERS_QUEUE_URL",
		"orders-dlq":        "DLQ_QUEUE_URL",
		"orders-rejected":   "REJECTED_QUEUE_URL",
		"orders-replay":     "REPLAY_QUEUE_URL",
		"orders-replay-dlq": "REPLAY_DLQ_URL",
	} {
		if url := e.get(variable); url != "" {
			c.Queues[name] = url
		}
	}
	return c, errors.Join(e.errs...)
}

// ForReplay reads the replay function's settings.
func ForReplay(lookup Lookup) (Replay, error) {
	e := environment{lookup: lookup}
	c := Replay{
		Shared:    e.shared(),
		Retries:   e.retries("REPLAY_MAX_RECEIVES"),
		ReplayURL: e.needed("REPLAY_QUEUE_URL", "the URL of the queue of objects to be replayed"),
		DLQURL: e.needed(
			"REPLAY_DLQ_URL", "the URL of the queue of objects that cannot be replayed",
		),
		RejectedURL:   e.needed("REJECTED_QUEUE_URL", "the URL of the queue of rejected messages"),
		ArchiveBucket: e.needed("ARCHIVE_BUCKET", "the name of the archive's S3 bucket"),
	}
	c.Ledger.Zone = e.zone()
	return c, errors.Join(e.errs...)
}
