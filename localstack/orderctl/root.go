package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/operator"
	"orderpipeline/localstack/orderctl/restore"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/localstack/orderctl/tester"
)

const about = `orderctl sends orders to the pipeline, shows its numbers and helps to repair
what went wrong.

It works on the deployment that the clone of this program started with make deploy-local,
whatever its port. AWS_ENDPOINT_URL, LOCALSTACK_PORT or --endpoint-url name another LocalStack;
--aws or --profile choose AWS with the standard settings (AWS_PROFILE, AWS_REGION, …). Where none
is named it takes a LocalStack that answers at 127.0.0.1:4566, else AWS, and says so. Queues and
API are read from the stack's outputs. What --json prints is documented as JSON Schema in
localstack/orderctl/orderctl.schema.json.

`

// newRoot returns the command line with all commands.
func newRoot(env *session.Env) *cobra.Command {
	root := session.Group(&cobra.Command{
		Use:   "orderctl",
		Short: "Send orders to the pipeline, see its numbers, repair what went wrong",
		Long:  about + exitCodes,
		Example: session.Example(
			"orderctl send --user U1 --item P001:2:20.00", "orderctl bulk 10000 --wait", "orderctl status",
		),
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetVersionTemplate("orderctl {{.Version}}\n")
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	addFlags(root, env)

	addGroup(root, "Send orders:", append(tester.Commands(env), restore.FileCommands(env)...))
	addGroup(root, "See the numbers:", operator.NumberCommands(env))
	addGroup(root, "Look after the queues:", operator.QueueCommands(env))
	addGroup(root, "Archive and recovery:", restore.ArchiveCommands(env))
	addGroup(root, other, nil)
	root.SetHelpCommandGroupID(other)
	root.SetCompletionCommandGroupID(other)
	return root
}

// other is the group of the commands that cobra adds.
const other = "Other:"

// addGroup adds commands under a title of `orderctl --help`, which is the id of the group too.
func addGroup(root *cobra.Command, title string, commands []*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
		root.AddCommand(cmd)
	}
}

func addFlags(root *cobra.Command, env *session.Env) {
	f := root.PersistentFlags()
	o := &env.Options
	f.BoolVar(&env.JSON, "json", false,
		"results as JSON on standard output, errors as JSON on standard error")
	f.BoolVarP(&env.Yes, "yes", "y", false, "answer every question with yes")
	f.StringVar(&o.Stack, "stack", "", "name of the stack (default: STACK_NAME, else the one that "+
		"this clone deployed last, else "+session.DefaultStack+")")
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
}

// version names the commit that the program was built from, and its date.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + ", " + info.GoVersion
}
