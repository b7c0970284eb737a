package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/operator"
	"orderpipeline/localstack/orderctl/restore"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester"
)

const about = `orderctl sends orders to the pipeline, shows its numbers and helps to repair what went wrong.

It works on the deployment that the clone of this program started with make deploy-local,
whatever its port. AWS_ENDPOINT_URL, LOCALSTACK_PORT or --endpoint-url name another LocalStack;
--aws or --profile choose AWS with the standard settings (AWS_PROFILE, AWS_REGION, …). Where none
is named it takes a LocalStack that answers at 127.0.0.1:4566, else AWS, and says so. Queues and
API are read from the stack's outputs. What --json prints is documented as JSON Schema in
localstack/orderctl/orderctl.schema.json.

`

// newRoot returns the command line with all commands.
func newRoot(env *session.Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "orderctl",
		Short: "Send orders to the pipeline, see its numbers, repair what went wrong",
		Long:  about + exitCodes,
		Example: session.Example(
			"orderctl send --user U1 --item P001:2:20.00",
			"orderctl bulk 10000 --wait",
			"orderctl status",
		),
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          session.Subcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("orderctl {{.Version}}\n")
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	addFlags(root, env)

	root.AddGroup(
		&cobra.Group{ID: session.GroupSend, Title: "Send orders:"},
		&cobra.Group{ID: session.GroupNumbers, Title: "See the numbers:"},
		&cobra.Group{ID: session.GroupRepair, Title: "Look after the queues:"},
		&cobra.Group{ID: session.GroupArchive, Title: "Archive and recovery:"},
		&cobra.Group{ID: session.GroupOther, Title: "Other:"},
	)
	root.AddCommand(tester.Commands(env)...)
	root.AddCommand(operator.Commands(env)...)
	root.AddCommand(restore.Commands(env)...)
	root.SetHelpCommandGroupID(session.GroupOther)
	root.SetCompletionCommandGroupID(session.GroupOther)
	addExamples(root)
	return root
}

func addFlags(root *cobra.Command, env *session.Env) {
	f := root.PersistentFlags()
	o := &env.Options
	f.BoolVar(&env.JSON, "json", false,
		"results as JSON on standard output, errors as JSON on standard error")
	f.BoolVarP(&env.Yes, "yes", "y", false, "answer every question with yes")
	f.StringVar(&o.Stack, "stack", "", "name of the deployed stack (default "+session.DefaultStack+")")
	f.StringVar(&o.EndpointURL, "endpoint-url", "",
		"LocalStack's address (default: AWS_ENDPOINT_URL, else found)")
	f.BoolVar(&o.AWS, "aws", false, "work on AWS even when LocalStack runs on this machine")
	f.StringVar(&o.Profile, "profile", "", "AWS profile")
	f.StringVar(&o.Region, "region", "", "AWS region")
	f.StringVar(&o.QueueURL, "queue-url", "", "orders queue (default: from the stack)")
	f.StringVar(&o.DLQURL, "dlq-url", "", "dead-letter queue (default: from the stack)")
	f.StringVar(&o.RejectedURL, "rejected-url", "",
		"queue of rejected messages (default: from the stack)")
	f.StringVar(&o.APIURL, "api-url", "", "base URL of the API (default: from the stack)")
	root.MarkFlagsMutuallyExclusive("aws", "endpoint-url")
	// The only error is a flag that does not exist.
	_ = root.RegisterFlagCompletionFunc("profile", session.CompleteProfiles(env.Getenv))
}

// version names the commit that the program was built from, and its date.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	commit, date := settings["vcs.revision"], settings["vcs.time"]
	if commit == "" {
		return "built outside a repository, " + info.GoVersion
	}
	if settings["vcs.modified"] == "true" {
		date += ", with local changes"
	}
	return fmt.Sprintf("%s (%s, %s)", commit[:min(12, len(commit))], date, info.GoVersion)
}

// addExamples adds examples to the two commands that cobra makes.
func addExamples(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = session.Example("orderctl help bulk")
		case "completion":
			cmd.Example = session.Example("source <(orderctl completion bash)")
			for _, shell := range cmd.Commands() {
				shell.Example = session.Example(shells[shell.Name()])
			}
		}
	}
}

// shells are the commands that install a completion script.
var shells = map[string]string{
	"bash":       "orderctl completion bash > /etc/bash_completion.d/orderctl",
	"zsh":        `orderctl completion zsh > "${fpath[1]}/_orderctl"`,
	"fish":       "orderctl completion fish > ~/.config/fish/completions/orderctl.fish",
	"powershell": "orderctl completion powershell | Out-String | Invoke-Expression",
}
