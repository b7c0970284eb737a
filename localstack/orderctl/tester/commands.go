// Package tester has the commands that send orders: one, many random ones, or those of a file.
package tester

import (
	"context"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/session"
)

// Commands returns the commands of this package.
func Commands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{sendCommand(env), bulkCommand(env), populateCommand(env)}
}

// needs is what a sending command works on.
func needs(w session.WaitFlags) session.Need {
	if w.Wait {
		return session.Orders | session.DLQ | session.API
	}
	return session.Orders
}

// open opens the session of a sending command.
func open(ctx context.Context, env *session.Env, w session.WaitFlags) (*session.Session, error) {
	return env.Open(ctx, needs(w))
}
