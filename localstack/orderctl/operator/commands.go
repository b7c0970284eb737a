// Package operator has the commands that show the figures and look after the queues.
package operator

import (
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/session"
)

// NumberCommands returns the commands that show figures.
func NumberCommands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{
		statusCommand(env), watchCommand(env), topCommand(env), userCommand(env), monthsCommand(env),
		daysCommand(env), customersCommand(env),
	}
}

// QueueCommands returns the commands that look after the queues.
func QueueCommands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{dlqCommand(env), rejectedCommand(env)}
}
