//go:build !linux

package main

import (
	"context"
	"errors"
	"io"

	"github.com/coordd/coordd/test/jepsen-lite/network"
)

func inNamespace(context.Context, string, []byte, io.Writer) error {
	return errors.New(network.NamespacesMissing())
}
