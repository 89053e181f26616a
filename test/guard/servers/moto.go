package servers

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/coordd/coordd/internal/process"
)

// packages is what moto needs, by the names and versions of the Python package index.
const packages = "moto[server]==5.2.1"

// StartMoto starts moto, which emulates DynamoDB and S3. It is installed into a virtual environment below cache, once.
func StartMoto(ctx context.Context, group *process.Group, cache string) (*Server, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, &Missing{"python3 is not installed (Debian: apt-get install python3 python3-venv)"}
	}
	environment, err := filepath.Abs(filepath.Join(cache, ".venv"))
	if err != nil {
		return nil, err
	}
	if err := install(ctx, python, environment); err != nil {
		return nil, err
	}
	server, err := start(ctx, group, "moto", func(_, port string) process.Spec {
		return process.Spec{Path: filepath.Join(environment, "bin", "moto_server"), Args: []string{"-H", "127.0.0.1", "-p", port}}
	}, func(ctx context.Context, address string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/moto-api/", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
	if err != nil {
		return nil, err
	}
	server.Version = packages
	return server, nil
}

// install makes the virtual environment unless it is there with these packages.
func install(ctx context.Context, python, environment string) error {
	mark := filepath.Join(environment, "prepared")
	if have, err := os.ReadFile(mark); err == nil && string(have) == packages {
		return nil
	}
	if output, err := exec.CommandContext(ctx, python, "-m", "venv", "--clear", environment).CombinedOutput(); err != nil {
		return &Missing{fmt.Sprintf("python3 -m venv failed (Debian: apt-get install python3-venv): %v\n%s", err, output)}
	}
	pip := exec.CommandContext(ctx, filepath.Join(environment, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", packages)
	if output, err := pip.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s: %w\n%s", packages, err, output)
	}
	return os.WriteFile(mark, []byte(packages), 0o644)
}
