package redisauth

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// A Reader reads a secret; *secretsmanager.Client is one.
type Reader interface {
	GetSecretValue(
		context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options),
	) (*secretsmanager.GetSecretValueOutput, error)
}

// renewPause is the time from a renewal that brought nothing new to the next one. A function whose
// login stays refused would otherwise read the secret once for each command.
const renewPause = time.Second

// readLimit bounds one read of the secret. It goes on when the request that needs it has ended, as
// those of the API do after a second, so that the next request finds what was read. On a busy
// machine Secrets Manager took longer than that second.
const readLimit = 10 * time.Second

// Secret provides the user name and password of a Secrets Manager secret. It is read once, and
// again when Redis refuses what it said: so an instance that runs through a rotation continues.
// It is safe for concurrent use.
type Secret struct {
	reader   Reader
	arn      string
	username string
	now      func() time.Time

	known   atomic.Pointer[version] // nil until the secret was read
	reading chan struct{}           // holds one token while the secret is read
	renewed time.Time               // of the last renewal that brought nothing new; guarded by reading
}

type login struct{ username, password string }

type version struct {
	login
	number int64 // from 1
}

// NewSecret returns a provider for the secret of that ARN. username is used where the secret holds
// a password alone.
func NewSecret(reader Reader, arn, username string, now func() time.Time) *Secret {
	return &Secret{
		reader: reader, arn: arn, username: username, now: now, reading: make(chan struct{}, 1),
	}
}

// Credentials returns the user name and password, and reads the secret on the first call.
func (s *Secret) Credentials(ctx context.Context) (username, password string, err error) {
	if s.known.Load() == nil {
		if err := s.firstRead(ctx); err != nil {
			return "", "", err
		}
	}
	known := s.known.Load()
	return known.username, known.password, nil
}

func (s *Secret) firstRead(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	if s.known.Load() != nil {
		s.unlock()
		return nil
	}
	_, err := s.readAndUnlock(ctx)
	return err
}

// Version changes whenever the credentials have changed. Take it before a login, and hand it to
// Renew when the login was refused.
func (s *Secret) Version() int64 {
	if known := s.known.Load(); known != nil {
		return known.number
	}
	return 0
}

// Renew reads the secret again, unless that has happened since refused was the version, and
// reports whether there are credentials that Redis has not refused.
func (s *Secret) Renew(ctx context.Context, refused int64) bool {
	if err := s.lock(ctx); err != nil {
		return false
	}
	if s.Version() != refused {
		s.unlock()
		return true // another connection was refused too, and has renewed them
	}
	if s.now().Sub(s.renewed) < renewPause {
		s.unlock()
		return false
	}
	changed, err := s.readAndUnlock(ctx)
	return err == nil && changed
}

// lock lets one caller at a time read the secret. A mutex would make the others wait longer than
// their context allows.
func (s *Secret) lock(ctx context.Context) error {
	select {
	case s.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Secret) unlock() { <-s.reading }

// readAndUnlock calls read, and gives the token back when that has ended. It waits for it as long as
// the context allows.
func (s *Secret) readAndUnlock(ctx context.Context) (changed bool, err error) {
	done := make(chan struct{})
	var found bool
	var failed error
	go func() {
		defer s.unlock()
		defer close(done)
		reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
		defer cancel()
		if found, failed = s.read(reading); failed != nil || !found {
			s.renewed = s.now()
		}
	}()
	select {
	case <-done:
		return found, failed
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// read reads the secret and reports whether it differs from what was known.
func (s *Secret) read(ctx context.Context) (changed bool, err error) {
	value, err := s.reader.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	if err != nil {
		return false, err
	}
	if value.SecretString == nil {
		return false, errors.New("the secret holds no text")
	}
	found, err := parseSecret(*value.SecretString)
	if err != nil {
		return false, err
	}
	if found.username == "" {
		found.username = s.username
	}

	known := s.known.Load()
	if known != nil && found == known.login {
		return false, nil
	}
	s.known.Store(&version{login: found, number: s.Version() + 1})
	return true, nil
}

// parseSecret reads both forms of a secret: the password as text, and the JSON object that
// Secrets Manager's own rotation writes, {"username":"…","password":"…"}. A newline at the end of
// a text is no part of the password: files and "echo" put one there. Its errors never repeat what
// the secret holds.
func parseSecret(text string) (login, error) {
	var object struct {
		Username string  `json:"username"`
		Password *string `json:"password"`
	}
	text = strings.TrimRight(text, "\r\n")
	if strings.HasPrefix(strings.TrimSpace(text), "{") && json.Valid([]byte(text)) {
		if err := json.Unmarshal([]byte(text), &object); err != nil || object.Password == nil {
			return login{}, errors.New(`the secret is JSON without a text "password"`)
		}
		text = strings.TrimRight(*object.Password, "\r\n")
	}
	if text == "" {
		return login{}, errors.New("the secret holds an empty password")
	}
	return login{object.Username, text}, nil
}
