package main

import (
	"strings"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/target"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "orderctl",
		Short: "Send orders to the pipeline, see its numbers, repair what went wrong",
		Long: `orderctl sends orders to the pipeline, shows its numbers and helps to repair what went wrong.

It works on LocalStack when AWS_ENDPOINT_URL names it or when it answers at
127.0.0.1:$LOCALSTACK_PORT (4566), else on AWS with the standard settings
(AWS_PROFILE, AWS_REGION, …). Queues and API are read from the stack's outputs.

` + exitCodes,
		Example: example(
			"orderctl send --user U1 --item P001:2:20.00",
			"orderctl bulk 10000 --wait",
			"orderctl status",
		),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	f := root.PersistentFlags()
	f.BoolVar(&a.JSON, "json", false, "results as JSON on standard output, errors as JSON on standard error")
	f.BoolVarP(&a.Yes, "yes", "y", false, "answer every question with yes")
	f.StringVar(&a.options.Stack, "stack", target.DefaultStack, "name of the deployed stack")
	f.StringVar(&a.options.EndpointURL, "endpoint-url", "", "LocalStack's address (default: AWS_ENDPOINT_URL, else found)")
	f.BoolVar(&a.options.AWS, "aws", false, "work on AWS even when LocalStack answers here")
	f.StringVar(&a.options.Profile, "profile", "", "AWS profile")
	f.StringVar(&a.options.Region, "region", "", "AWS region")
	f.StringVar(&a.options.QueueURL, "queue-url", "", "orders queue (default: from the stack)")
	f.StringVar(&a.options.DLQURL, "dlq-url", "", "dead-letter queue (default: from the stack)")
	f.StringVar(&a.options.RejectedURL, "rejected-url", "", "queue of refused messages (default: from the stack)")
	f.StringVar(&a.options.APIURL, "api-url", "", "base URL of the API (default: from the stack)")
	root.MarkFlagsMutuallyExclusive("aws", "endpoint-url")

	root.AddGroup(
		&cobra.Group{ID: groupSend, Title: "Send orders:"},
		&cobra.Group{ID: groupNumbers, Title: "See the numbers:"},
		&cobra.Group{ID: groupRepair, Title: "Look after the queues:"},
		&cobra.Group{ID: groupOther, Title: "Other:"},
	)
	root.AddCommand(
		a.sendCommand(), a.bulkCommand(), a.populateCommand(),
		a.dlqCommand(), a.rejectedCommand(),
		a.statusCommand(), a.watchCommand(), a.topCommand(), a.userCommand(), a.monthsCommand(),
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	// Cobra makes its own two commands only when it runs; made now, they can have examples too.
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = example("orderctl help bulk")
		case "completion":
			cmd.Example = example("source <(orderctl completion bash)")
			for _, shell := range cmd.Commands() {
				shell.Example = example(shells[shell.Name()])
			}
		}
	}
	return root
}

// shells are how a completion script is taken into use.
var shells = map[string]string{
	"bash":       "orderctl completion bash > /etc/bash_completion.d/orderctl",
	"zsh":        `orderctl completion zsh > "${fpath[1]}/_orderctl"`,
	"fish":       "orderctl completion fish > ~/.config/fish/completions/orderctl.fish",
	"powershell": "orderctl completion powershell | Out-String | Invoke-Expression",
}

const (
	groupSend    = "send"
	groupNumbers = "numbers"
	groupRepair  = "repair"
	groupOther   = "other"
)

// example indents command lines as cobra shows them.
func example(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
