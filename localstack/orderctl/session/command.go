package session

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// The groups in which `orderctl --help` lists the commands.
const (
	GroupSend    = "send"
	GroupNumbers = "numbers"
	GroupRepair  = "repair"
	GroupArchive = "archive"
	GroupOther   = "other"
)

// Example indents command lines as cobra shows them.
func Example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// Usage returns an error about the command line.
func Usage(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrUsage, fmt.Errorf(format, args...))
}

// Subcommand is the Args of a command that only has subcommands: it names similar ones where one
// was mistyped.
func Subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
	if cmd.SuggestionsMinimumDistance == 0 {
		cmd.SuggestionsMinimumDistance = 2
	}
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		text += ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return fmt.Errorf("%s", text)
}

// CompleteProfiles completes the names of AWS profiles from the two files that define them.
func CompleteProfiles(
	getenv func(string) string,
) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for variable, name := range map[string]string{
			"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials",
		} {
			path := getenv(variable)
			if path == "" {
				path = filepath.Join(getenv("HOME"), ".aws", name)
			}
			file, err := os.Open(path)
			if err != nil {
				continue
			}
			for lines := bufio.NewScanner(file); lines.Scan(); {
				section, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "[")
				section, closed := strings.CutSuffix(section, "]")
				if ok && closed {
					names = append(names, strings.TrimPrefix(section, "profile "))
				}
			}
			file.Close()
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
