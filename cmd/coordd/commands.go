package main

import "context"

// subcommand is one row of the table of subcommands.
type subcommand struct {
	name    string
	summary string
	run     func(ctx context.Context, around *surroundings, arguments []string) error
}

// commands is filled at start instead of in its declaration, because help reads the table that it stands in.
var commands []subcommand

func init() {
	commands = []subcommand{
		{"dev", devCommand.Summary, runDev},
		{"serve", serveCommand.Summary, runServe},
		{"lock", lockCommand.Summary, runLock},
		{"elect", electCommand.Summary, runElect},
		{"locks", locksCommand.Summary, runLocks},
		{"lock-info", lockInfoCommand.Summary, runLockInfo},
		{"history", historyCommand.Summary, runHistory},
		{"check", checkCommand.Summary, runCheck},
		{"watch", watchCommand.Summary, runWatch},
		{"sessions", sessionsCommand.Summary, runSessions},
		{"force-unlock", forceUnlockCommand.Summary, runForceUnlock},
		{"pool", poolCommand.Summary, runPool},
		{"cli", cliCommand.Summary, runCLI},
		{"status", statusCommand.Summary, runStatus},
		{"members", membersCommand.Summary, runMembers},
		{"transfer", transferCommand.Summary, runTransfer},
		{"inspect", inspectCommand.Summary, runInspect},
		{"completion", completionCommand.Summary, runCompletion},
		{"version", versionCommand.Summary, runVersion},
	}
}
