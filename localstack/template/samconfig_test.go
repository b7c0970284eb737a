package template

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// sections are the settings of samconfig.toml: section, then name, then the value as it is written.
func sections(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]string{}
	section := ""
	setting := regexp.MustCompile(`^(\w+) = ("[^"]*"|\w+)`)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			found[section] = map[string]string{}
		} else if match := setting.FindStringSubmatch(line); match != nil && section != "" {
			found[section][match[1]] = strings.Trim(match[2], `"`)
		}
	}
	return found
}

// A pipeline cannot answer a question, and an unchanged stack must not fail it.
func TestProdDeploysWithoutQuestions(t *testing.T) {
	t.Parallel()
	prod := sections(t)["prod.deploy.parameters"]
	for name, want := range map[string]string{
		"confirm_changeset": "false", "fail_on_empty_changeset": "false", "resolve_s3": "true",
		"capabilities": "CAPABILITY_IAM",
	} {
		if prod[name] != want {
			t.Errorf("%s is %q, want %s", name, prod[name], want)
		}
	}
	if !strings.Contains(prod["tags"], "environment=prod") {
		t.Errorf("tags are %q, want the environment among them", prod["tags"])
	}
}

// The names of the store's users hold that of the stack: a user's id has at most 40 characters.
func TestStackNamesFitTheStore(t *testing.T) {
	t.Parallel()
	fits := regexp.MustCompile(`^[a-z][a-z0-9-]{0,32}$`)
	for _, section := range []string{"default", "prod"} {
		name := sections(t)[section+".global.parameters"]["stack_name"]
		if !fits.MatchString(name) {
			t.Errorf("%s: stack %q is no name for the store's users", section, name)
		}
	}
}

// What is pinned by a tag can be changed by those who may move the tag.
func TestActionsOfTheDeploymentArePinnedByCommit(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.github/workflows/deploy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	uses := regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(string(text), -1)
	if len(uses) == 0 {
		t.Fatal("the workflow uses no action")
	}
	for _, use := range uses {
		if !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(use[1]) {
			t.Errorf("%s is not pinned by a commit", use[1])
		}
	}
}
