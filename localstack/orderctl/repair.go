package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) dlqCommand() *cobra.Command {
	s := store{name: "dlq", url: func(ctx context.Context) (string, error) {
		t, err := a.target(ctx)
		if err != nil {
			return "", err
		}
		return t.DLQ(ctx)
	}}
	cmd := &cobra.Command{
		Use:     "dlq",
		GroupID: groupRepair,
		Short:   "Look at the dead-letter queue, and bring its orders back",
		Long: `The dead-letter queue holds good orders that could not be recorded in all their receives, such
as during a long outage of Redis. Once the cause is gone, redrive brings them back; each is counted once.`,
		Example: example("orderctl dlq list", "orderctl dlq redrive"),
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.listCommand(s), a.showCommand(s), a.redriveCommand(s), a.exportCommand(s))
	return cmd
}

func (a *app) rejectedCommand() *cobra.Command {
	s := store{name: "rejected", reasons: true, url: func(ctx context.Context) (string, error) {
		t, err := a.target(ctx)
		if err != nil {
			return "", err
		}
		return t.RejectedQueue(ctx)
	}}
	cmd := &cobra.Command{
		Use:     "rejected",
		GroupID: groupRepair,
		Short:   "Look at the messages that were refused, and send them again repaired",
		Long: `The queue of refused messages holds, untouched, every message that is no valid order, with
the reason, the field and a sentence as message attributes.`,
		Example: example("orderctl rejected list --reason invalid_json", "orderctl rejected export broken.ndjson", "orderctl rejected resend fixed.ndjson --delete"),
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.listCommand(s), a.showCommand(s), a.exportCommand(s), a.resendCommand(s))
	return cmd
}
