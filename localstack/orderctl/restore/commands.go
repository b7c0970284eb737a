// Package restore has the commands about the archive: check and import files of orders, look into
// the archive, compare the figures with it, and rebuild them from it.
package restore

import (
	"context"

	"github.com/spf13/cobra"

	"orderpipeline/localstack/orderctl/pause"
	"orderpipeline/localstack/orderctl/session"
	"orderpipeline/shared/archive"
)

// FileCommands returns the commands that take a file of orders.
func FileCommands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{checkCommand(env), importCommand(env)}
}

// ArchiveCommands returns the commands about the archive.
func ArchiveCommands(env *session.Env) []*cobra.Command {
	return []*cobra.Command{archiveCommand(env), rebuildCommand(env), traceCommand(env)}
}

// A store is what these commands work on: the archive's bucket and the functions around it.
type store struct {
	*session.Session
	bucket   *archive.Bucket
	notes    pause.BucketNotes
	replayer replayer
}

// outputs are those of the stack on which these commands rely, besides queues and API.
var outputs = []string{
	"ArchiveBucketName", "OrdersFunctionName", "ReplayFunctionName", "ReplayQueueUrl",
	"EventSourceMappingId", "ReplayMappingId",
}

// openStore looks up the archive of the deployed stack.
func openStore(ctx context.Context, env *session.Env, needs session.Need) (*store, error) {
	s, err := env.Open(ctx, needs|session.Stack)
	if err != nil {
		return nil, err
	}
	for _, name := range outputs {
		if _, err := s.Output(ctx, name, "--stack"); err != nil {
			return nil, err
		}
	}
	bucket := s.Outputs["ArchiveBucketName"]
	return &store{
		Session:  s,
		bucket:   archive.NewBucket(s.AWS, bucket),
		notes:    pause.NotesIn(s.AWS, bucket),
		replayer: replayer{s.Lambda, s.Outputs["ReplayFunctionName"]},
	}, nil
}

// run returns a cobra RunE that opens the store and calls command with it.
func run(
	env *session.Env, needs session.Need,
	command func(ctx context.Context, s *store, args []string) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := openStore(cmd.Context(), env, needs)
		if err != nil {
			return err
		}
		return command(cmd.Context(), s, args)
	}
}
