package foreign

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Workshop prepares workers and knows how to start them.
type Workshop struct {
	// Module is the folder of this module; workers are found below it.
	Module string
	// Binaries is where compiled workers go.
	Binaries string
}

// Missing is the reason why a language cannot be used on this machine.
type Missing struct {
	Language Language
	Reason   string
}

func (m *Missing) Error() string { return string(m.Language) + ": " + m.Reason }

// Prepare builds or installs what the workers of the language need. It answers
// a *Missing when the machine lacks something that only its owner can install.
func (w *Workshop) Prepare(ctx context.Context, language Language) error {
	switch language {
	case Go:
		return run(ctx, w.Module, "go", "build", "-o", w.goWorker(), "./workers/golang")
	case Python:
		return w.preparePython(ctx)
	case Node:
		return w.prepareNode(ctx)
	}
	return fmt.Errorf("there are no workers in %q", language)
}

func (w *Workshop) goWorker() string     { return filepath.Join(w.Binaries, "go-worker") }
func (w *Workshop) pythonFolder() string { return filepath.Join(w.Module, "workers", "python") }
func (w *Workshop) nodeFolder() string   { return filepath.Join(w.Module, "workers", "node") }
func (w *Workshop) python() string {
	return filepath.Join(w.pythonFolder(), ".venv", "bin", "python")
}

func (w *Workshop) preparePython(ctx context.Context) error {
	system, err := exec.LookPath("python3")
	if err != nil {
		return &Missing{Python, "python3 is not installed (Debian: apt-get install python3 python3-venv)"}
	}
	folder := w.pythonFolder()
	return once(filepath.Join(folder, "requirements.txt"), filepath.Join(folder, ".venv", "prepared"), func() error {
		if err := run(ctx, folder, system, "-m", "venv", "--clear", ".venv"); err != nil {
			return &Missing{Python, "python3 -m venv failed (Debian: apt-get install python3-venv): " + err.Error()}
		}
		return run(ctx, folder, w.python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt")
	})
}

func (w *Workshop) prepareNode(ctx context.Context) error {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return &Missing{Node, tool + " is not installed (Debian: apt-get install nodejs npm; version 18 or later)"}
		}
	}
	folder := w.nodeFolder()
	return once(filepath.Join(folder, "package.json"), filepath.Join(folder, "node_modules", "prepared"), func() error {
		return run(ctx, folder, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error")
	})
}

// once runs the installation unless the mark says that it was already done for
// the same list of packages.
func once(list, mark string, install func() error) error {
	content, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(content)
	want := []byte(hex.EncodeToString(digest[:]))
	if have, err := os.ReadFile(mark); err == nil && bytes.Equal(have, want) {
		return nil
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(mark, want, 0o644)
}

func run(ctx context.Context, folder, name string, args ...string) error {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, bytes.TrimSpace(output))
	}
	return nil
}
