package redisauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func TestFormsOfASecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]login{
		"hunter2":                           {"", "hunter2"},
		"hunter2\n":                         {"", "hunter2"},
		"hunter2\r\n":                       {"", "hunter2"},
		" hunter 2 ":                        {"", " hunter 2 "},
		"{not JSON":                         {"", "{not JSON"},
		`"quoted"`:                          {"", `"quoted"`},
		`{"username":"u","password":"p"}`:   {"u", "p"},
		`{"username":"u","password":"p\n"}`: {"u", "p"},
		` {"password":"p","engine":"redis","port":6379}` + "\n": {"", "p"},
	} {
		if got, err := parseSecret(text); err != nil || got != want {
			t.Errorf("%q: %+v, error %v, want %+v", text, got, err, want)
		}
	}
}

func TestSecretsWithoutAPassword(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "\n", `{"username":"hunter2"}`, `{"password":""}`, `{"password":12,"username":"hunter2"}`,
	} {
		_, err := parseSecret(text)
		if err == nil {
			t.Errorf("%q was taken for a password", text)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

// stored is a secret that a test changes, and that counts how often it is read.
type stored struct {
	mu    sync.Mutex
	text  *string
	err   error
	reads int

	asked, answer chan struct{} // nil, or a read waits between the two
}

func (s *stored) GetSecretValue(
	ctx context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	if s.asked != nil {
		close(s.asked)
		<-s.answer
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if *in.SecretId != "arn" {
		return nil, errors.New("no such secret")
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: s.text}, s.err
}

func (s *stored) set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = &text
}

func (s *stored) want(t *testing.T, reads int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads != reads {
		t.Errorf("the secret was read %d times, want %d", s.reads, reads)
	}
}

// fixture returns a provider of a secret that holds "old", and the clock that it looks at.
func fixture(t *testing.T) (*Secret, *stored, *time.Time) {
	t.Helper()
	s := &stored{}
	s.set("old")
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	p, err := NewSecret(t.Context(), s, "arn", "orders", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return p, s, &now
}

func wantLogin(t *testing.T, p *Secret, username, password string) {
	t.Helper()
	u, w, err := p.Credentials(t.Context())
	if err != nil || u != username || w != password {
		t.Errorf("credentials %q %q, error %v, want %q %q", u, w, err, username, password)
	}
}

func TestSecretIsReadOnce(t *testing.T) {
	t.Parallel()
	p, s, _ := fixture(t)
	for range 3 {
		wantLogin(t, p, "orders", "old")
	}
	s.want(t, 1)
}

func TestRefusedCredentialsAreRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	p, s, _ := fixture(t)
	wantLogin(t, p, "orders", "old")
	s.set(`{"username":"orders-2","password":"new"}`)

	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if !p.Renew(t.Context(), "orders", "old") {
				t.Error("not renewed")
			}
		})
	}
	group.Wait()
	wantLogin(t, p, "orders-2", "new")
	s.want(t, 2)
}

func TestUnchangedSecretIsReadOnceASecond(t *testing.T) {
	t.Parallel()
	p, s, now := fixture(t)
	wantLogin(t, p, "orders", "old")
	for range 5 {
		if p.Renew(t.Context(), "orders", "old") {
			t.Error("renewed, although the secret is as it was")
		}
	}
	s.want(t, 2)

	*now = now.Add(renewPause)
	s.set("new")
	if !p.Renew(t.Context(), "orders", "old") {
		t.Error("not renewed a second later")
	}
	wantLogin(t, p, "orders", "new")
}

func TestFailedReadKeepsTheCredentials(t *testing.T) {
	t.Parallel()
	p, s, _ := fixture(t)
	wantLogin(t, p, "orders", "old")
	s.err = errors.New("throttled")
	if p.Renew(t.Context(), "orders", "old") {
		t.Error("renewed without an answer")
	}
	wantLogin(t, p, "orders", "old")
}

func TestSecretThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	throttled := errors.New("throttled")
	if _, err := NewSecret(t.Context(), &stored{err: throttled}, "arn", "", time.Now); !errors.Is(
		err, throttled,
	) {
		t.Errorf("error %v, want that of Secrets Manager", err)
	}
	if _, err := NewSecret(t.Context(), &stored{}, "arn", "", time.Now); err == nil {
		t.Error("a secret without text was taken for a password")
	}
}

// The API ends a request after a second. A secret that takes longer is there for the next one.
func TestAReadOutlivesTheRequestThatNeedsIt(t *testing.T) {
	t.Parallel()
	p, s, _ := fixture(t)
	s.set("new")
	s.asked, s.answer = make(chan struct{}), make(chan struct{})

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.asked
		cancel()
	}()
	if p.Renew(ctx, "orders", "old") {
		t.Error("renewed before Secrets Manager had answered")
	}
	close(s.answer)
	if !p.Renew(t.Context(), "orders", "old") {
		t.Error("what was read is not there for the next request")
	}
	wantLogin(t, p, "orders", "new")
	s.want(t, 2)
}

func TestWaitingForARenewalEndsWithTheContext(t *testing.T) {
	t.Parallel()
	p, _, _ := fixture(t)
	if err := p.lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p.Renew(ctx, "orders", "old") {
		t.Error("renewed although another reading was under way")
	}
}
