// Package tester has the commands that send orders: one, many random ones, or those of a file.
package tester

import (
	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/session"
)

// Commands returns the commands of this package.
func Commands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{sendCommand(env), bulkCommand(env), populateCommand(env)}
}
