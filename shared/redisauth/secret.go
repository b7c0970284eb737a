package redisauth

import (
	"cmp"
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

// readLimit bounds one renewal. It goes on when the request that needs it has ended, as those of
// the API do after a second, so that the next request finds what was read. On a busy machine
// Secrets Manager took longer than that second.
const readLimit = 10 * time.Second

// Secret provides the user name and password of a Secrets Manager secret. It is read once, and
// again when Redis refuses what it said: so an instance that runs through a rotation continues.
// It is safe for concurrent use.
type Secret struct {
	reader   Reader
	arn      string
	username string
	now      func() time.Time

	known   atomic.Pointer[login]
	reading chan struct{} // holds one token while the secret is read
	renewed time.Time     // of the last renewal that brought nothing new; guarded by reading
}

type login struct{ username, password string }

// NewSecret reads the secret of that ARN. username is used where it holds a password alone.
func NewSecret(
	ctx context.Context, reader Reader, arn, username string, now func() time.Time,
) (*Secret, error) {
	s := &Secret{
		reader: reader, arn: arn, username: username, now: now, reading: make(chan struct{}, 1),
	}
	found, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	s.known.Store(&found)
	return s, nil
}

// Credentials returns the user name and password.
func (s *Secret) Credentials(context.Context) (username, password string, err error) {
	known := s.known.Load()
	return known.username, known.password, nil
}

// Renew reads the secret again, unless that has happened since it held these credentials, which
// Redis refused. It reports whether there are credentials that Redis has not refused.
func (s *Secret) Renew(ctx context.Context, username, password string) bool {
	if err := s.lock(ctx); err != nil {
		return false
	}
	if *s.known.Load() != (login{username, password}) {
		s.unlock()
		return true // another connection was refused too, and has renewed them
	}
	if s.now().Sub(s.renewed) < renewPause {
		s.unlock()
		return false
	}

	renewed := make(chan bool, 1)
	go func() {
		defer s.unlock()
		reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
		defer cancel()
		renewed <- s.renew(reading)
	}()
	select {
	case changed := <-renewed:
		return changed
	case <-ctx.Done():
		return false
	}
}

// renew reads the secret and reports whether it differs from what was known. The caller has the
// lock.
func (s *Secret) renew(ctx context.Context) (changed bool) {
	found, err := s.read(ctx)
	if err != nil || found == *s.known.Load() {
		s.renewed = s.now()
		return false
	}
	s.known.Store(&found)
	return true
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

func (s *Secret) read(ctx context.Context) (login, error) {
	value, err := s.reader.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	if err != nil {
		return login{}, err
	}
	if value.SecretString == nil {
		return login{}, errors.New("the secret holds no text")
	}
	found, err := parseSecret(*value.SecretString)
	found.username = cmp.Or(found.username, s.username)
	return found, err
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
