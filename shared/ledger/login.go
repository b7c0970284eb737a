package ledger

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// Credentials are what new connections log in with. They must be safe for concurrent use.
type Credentials interface {
	// Credentials returns the user name, which may be empty, and the password.
	Credentials(ctx context.Context) (username, password string, err error)
	// Renew is called when Redis refused a login with these. It reports whether another login may
	// succeed.
	Renew(ctx context.Context, username, password string) bool
}

// loginWith returns what go-redis calls for each new connection: log in, and select the database.
// A login that is refused is retried once with renewed credentials, on the same connection; no
// command was sent before, so no caller sees a rotation of the password.
//
// go-redis has an option for credentials too, but it doesn't say when they were refused. Retrying
// in a hook would be wrong for a cluster, which sends commands again that a hook has retried.
func loginWith(credentials Credentials, db int) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, conn *redis.Conn) error {
		username, password, err := login(ctx, conn, credentials)
		if redis.IsAuthError(err) && credentials.Renew(ctx, username, password) {
			_, _, err = login(ctx, conn, credentials)
		}
		if err != nil || db == 0 {
			return err
		}
		return conn.Select(ctx, db).Err()
	}
}

// login logs in, and returns what it logged in with.
func login(
	ctx context.Context, conn *redis.Conn, credentials Credentials,
) (username, password string, err error) {
	username, password, err = credentials.Credentials(ctx)
	switch {
	case err != nil:
	case username == "":
		err = conn.Auth(ctx, password).Err()
	default:
		err = conn.AuthACL(ctx, username, password).Err()
	}
	return username, password, err
}
