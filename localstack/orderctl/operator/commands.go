// Package operator has the commands that show the figures and look after the queues.
package operator

import (
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/session"
)

// Commands returns the commands of this package.
func Commands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{
		statusCommand(env), watchCommand(env), topCommand(env), userCommand(env), monthsCommand(env),
		daysCommand(env), customersCommand(env),
		dlqCommand(env), rejectedCommand(env),
	}
}
