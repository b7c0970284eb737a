package template

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderpipeline/shared/config"
)

// readBy returns the variables that a function's settings are read from.
func readBy[T any](t *testing.T, read func(config.Lookup) (T, error)) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	_, err := read(func(name string) (string, bool) {
		names[name] = true
		return "", false
	})
	if err == nil && len(names) == 0 {
		t.Fatal("no variable is read")
	}
	return names
}

// Every variable that the template gives a function is one that the function reads.
func TestTheTemplateGivesFunctionsWhatTheyRead(t *testing.T) {
	t.Parallel()
	doc := read(t)
	shared := slices.Sorted(maps.Keys(doc.Globals.Function.Environment.Variables))
	reads := map[string]map[string]bool{
		"OrdersFunction": readBy(t, config.ForOrders),
		"StatsFunction":  readBy(t, config.ForStats),
		"ReplayFunction": readBy(t, config.ForReplay),
	}
	all := map[string]bool{}
	for _, names := range reads {
		maps.Copy(all, names)
	}
	for _, name := range shared {
		if !all[name] {
			t.Errorf("no function reads %s, which all are given", name)
		}
	}
	for function, names := range reads {
		for _, name := range slices.Sorted(maps.Keys(functionVariables(t, doc, function))) {
			if !names[name] {
				t.Errorf("%s does not read %s, which it is given", function, name)
			}
		}
	}
}

func functionVariables(t *testing.T, doc template, name string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	f := properties[function](t, doc, name, "AWS::Serverless::Function")
	for variable := range f.Environment.Variables {
		names[variable] = true
	}
	return names
}

// The environment is read in package config and nowhere else: a main hands os.LookupEnv to it.
func TestTheEnvironmentIsReadInConfig(t *testing.T) {
	t.Parallel()
	access := regexp.MustCompile(`os\.(Getenv|LookupEnv|Environ|ExpandEnv)\b`)
	allowed := regexp.MustCompile(`config\.For\w+\(os\.LookupEnv\)`)
	var found []string
	for _, root := range []string{"../../functions", "../../shared"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() ||
				!strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if strings.Contains(path, "/redistest/") {
				return nil // tools for tests
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, line := range strings.Split(string(text), "\n") {
				if access.MatchString(line) && !allowed.MatchString(line) &&
					!strings.HasPrefix(strings.TrimSpace(line), "//") {
					found = append(found, path+": "+strings.TrimSpace(line))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string(nil), found); diff != "" {
		t.Errorf("the environment is read outside config (-want +got):\n%s", diff)
	}
}
