package ledger

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A Connection says how to reach Redis.
type Connection struct {
	// URL is redis://[user:password@]host:port[/db], or rediss:// for TLS.
	// A cluster may name further nodes: redis://host:port?addr=host2:port&addr=host3:port.
	URL string
	// Cluster is true for Redis Cluster and for ElastiCache with cluster mode enabled.
	Cluster bool
	// Password overrides the one in URL when it is not empty.
	Password string
	// Credentials, when not nil, are asked for each new connection, and override both.
	Credentials Credentials
	// RootCAs are the authorities that a rediss:// server's certificate is checked against. Nil
	// means those of the system.
	RootCAs *x509.CertPool
	// Timeout bounds each wait for an answer; half of it bounds dialling. Zero means two seconds.
	Timeout time.Duration
}

// LogTo sends the log lines of the Redis client to log, at level debug, because the errors that it
// returns say the same. Without it the client writes to the standard error output. The setting is
// for the whole process: a function's main calls it.
func LogTo(log *slog.Logger) { redis.SetLogger(clientLog{log}) }

type clientLog struct{ *slog.Logger }

func (l clientLog) Printf(ctx context.Context, format string, v ...any) {
	l.DebugContext(ctx, "redis client", "detail", fmt.Sprintf(format, v...))
}

// Connect prepares a connection. It dials when the first command is sent. The client's own retries
// are off: only callers know what is idempotent and how much time remains.
func Connect(c Connection) (redis.UniversalClient, error) {
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	o := redis.UniversalOptions{
		DialTimeout:           c.Timeout / 2,
		ReadTimeout:           c.Timeout,
		WriteTimeout:          c.Timeout,
		PoolTimeout:           c.Timeout,
		ContextTimeoutEnabled: true,

		PoolSize:         poolSize,
		PipelinePoolSize: onePool,
		ConnMaxIdleTime:  idleLimit,
		ReadBufferSize:   bufferSize,
		WriteBufferSize:  bufferSize,

		MaxRetries:      -1,
		DialerRetries:   1,
		Protocol:        2,
		DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	}
	if err := readURL(c, &o); err != nil {
		return nil, urlError(err)
	}
	c.secure(&o)
	if c.Cluster {
		cluster := o.Cluster()
		cluster.ClusterStateReloadInterval = stateLimit
		return redis.NewClusterClient(cluster), nil
	}
	return redis.NewClient(o.Simple()), nil
}

// readURL sets what the URL says.
func readURL(c Connection, o *redis.UniversalOptions) error {
	if c.Cluster {
		from, err := redis.ParseClusterURL(c.URL)
		if err != nil {
			return err
		}
		o.Addrs, o.TLSConfig = from.Addrs, from.TLSConfig
		o.Username, o.Password = from.Username, from.Password
		return nil
	}
	from, err := redis.ParseURL(c.URL)
	if err != nil {
		return err
	}
	o.Addrs, o.DB, o.TLSConfig = []string{from.Addr}, from.DB, from.TLSConfig
	o.Username, o.Password = from.Username, from.Password
	return nil
}

// secure sets what a connection logs in with and whom it trusts.
func (c Connection) secure(o *redis.UniversalOptions) {
	o.Password = cmp.Or(c.Password, o.Password)
	if c.Credentials != nil {
		o.OnConnect = loginWith(c.Credentials, o.DB)
		o.Username, o.Password, o.DB = "", "", 0
		o.ConnMaxLifetime = loginLimit
	}
	if o.TLSConfig != nil && c.RootCAs != nil {
		o.TLSConfig.RootCAs = c.RootCAs
	}
}

const (
	// poolSize bounds the open connections to one node.
	poolSize = 16
	// onePool turns the separate pool for pipelines off. Nearly everything sent is a pipeline, and
	// poolSize would not bound that pool.
	onePool = -1
	// bufferSize holds the scripts of some hundred orders.
	bufferSize = 128 << 10
)

// idleLimit drops idle connections. A server, a NAT gateway (350 s on AWS) or a sandbox that is
// frozen between two invocations would make them dead ones.
const idleLimit = time.Minute

// loginLimit replaces a connection before ElastiCache closes it: one that logged in by IAM may stay
// open for twelve hours. It also ends a login with a password that has since been withdrawn.
const loginLimit = 6 * time.Hour

// stateLimit is how long a client trusts what it knows about which node serves which slot of a
// cluster. A dead master can't say that its replica took over, and by default the client would ask
// the other nodes only once a minute.
const stateLimit = 5 * time.Second

// urlError says what is wrong with the URL without repeating it: it may hold a password.
func urlError(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		err = parse.Err
	}
	return fmt.Errorf("not a Redis URL (%s): write redis://host:port/0, or rediss:// for TLS",
		strings.TrimPrefix(err.Error(), "redis: "))
}
