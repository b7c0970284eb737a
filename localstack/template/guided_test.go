package template

import (
	"regexp"
	"testing"
)

// "sam deploy --guided" repeats its question for a parameter without a default, or with NoEcho,
// until something is typed. An e-mail address alone would not be enough then.
func TestEveryQuestionCanBeAnsweredWithEnter(t *testing.T) {
	t.Parallel()
	for name, parameter := range read(t).Parameters {
		if _, found := parameter["Default"]; !found {
			t.Errorf("%s has no default", name)
		}
		if _, found := parameter["NoEcho"]; found {
			t.Errorf("%s has NoEcho", name)
		}
	}
}

// Parameters are shown by describe-stacks, so they must not hold a password.
func TestNoPasswordInARedisURL(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"RedisUrl", "StatsRedisUrl"} {
		pattern := regexp.MustCompile(text(t, read(t).Parameters[name]["AllowedPattern"]))
		for url, want := range map[string]bool{
			"":                                  true,
			"redis://127.0.0.1:6380/0":          true,
			"rediss://redis.example.com":        true,
			"rediss://orders@redis.example.com": true,
			"rediss://orders@redis.example.com:6379/2?protocol=2": true,
			"redis://[::1]:6379/0":                                true,
			"redis://:hunter2@redis.example.com:6379/0":           false,
			"rediss://orders:hunter2@redis.example.com":           false,
			"rediss://orders:@redis.example.com":                  false,
			"http://redis.example.com":                            false,
			"redis://":                                            false,
		} {
			if got := pattern.MatchString(url); got != want {
				t.Errorf("%s accepts %q: %t, want %t", name, url, got, want)
			}
		}
	}
}
