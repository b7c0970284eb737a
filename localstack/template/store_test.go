package template

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The users of the stack's own store may do what those of localstack/acl may, which the fault tests
// hold to be enough and not more. ElastiCache accepts no "reset" in an access string; whether it
// accepts selectors is not known, so there are none.
func TestStoreUsersAreThoseOfTheACLFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../acl/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	userLine := regexp.MustCompile(`(?m)^user (\w+) reset (.+)$`)
	for _, line := range userLine.FindAllStringSubmatch(string(text), -1) {
		want[line[1]] = line[2]
	}

	type user struct {
		UserName           string            `yaml:"UserName"`
		UserID             string            `yaml:"UserId"`
		AccessString       string            `yaml:"AccessString"`
		AuthenticationMode map[string]string `yaml:"AuthenticationMode"`
	}
	got := of[user](t, readGolden(t, "own-store"), "AWS::ElastiCache::User")
	if len(got) != len(want) {
		t.Errorf("%d users in the template, %d in the ACL file", len(got), len(want))
	}
	for name, u := range got {
		_, function, _ := strings.Cut(u.UserName, "order-pipeline-")
		if u.AccessString != want[function] {
			t.Errorf("%s may %q, want %q", name, u.AccessString, want[function])
		}
		if strings.ContainsAny(u.AccessString, "()") || strings.Contains(u.AccessString, "reset") {
			t.Errorf("%s: %q holds what ElastiCache may refuse", name, u.AccessString)
		}
		if u.UserID != u.UserName || u.AuthenticationMode["Type"] != "iam" {
			t.Errorf("%s: id %q, name %q, mode %v: IAM needs equal ones",
				name, u.UserID, u.UserName, u.AuthenticationMode)
		}
	}
}
