package template

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An alarm that sends a message has a line that says what to do.
func TestEachAlarmThatSendsAMessageSaysWhatToDo(t *testing.T) {
	t.Parallel()
	read := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	lines := map[string]bool{}
	row := regexp.MustCompile(`(?m)^\| ([A-Z]\w+(?:, [A-Z]\w+)*) \| [^|]+ \| [^|]+ \|$`)
	for _, match := range row.FindAllStringSubmatch(read("localstack", "docs", "aws.md"), -1) {
		for alarm := range strings.SplitSeq(match[1], ", ") {
			lines[alarm] = true
		}
	}

	name := regexp.MustCompile(`AlarmName: !Sub \$\{Stack\}-(\w+)`)
	resources := regexp.MustCompile(`(?m)^  \w+:\n`).Split(read("shared", "stack", "alarms.yaml"), -1)
	sending := 0
	for _, resource := range resources {
		match := name.FindStringSubmatch(resource)
		if match == nil || !strings.Contains(resource, "AlarmActions:") {
			continue
		}
		sending++
		if !lines[match[1]] {
			t.Errorf("localstack/docs/aws.md does not say what to do after the alarm %s", match[1])
		}
	}
	if sending == 0 {
		t.Fatal("alarms.yaml has no alarm with AlarmActions")
	}
}
