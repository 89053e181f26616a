//go:build !linux

package network

import "errors"

// NamespacesMissing says why there can be no namespaces here.
func NamespacesMissing() string {
	return "network namespaces are Linux's; --network proxies does without"
}

// NewNamespaces fails.
func NewNamespaces(uint64) (Network, error) { return nil, errors.New(NamespacesMissing()) }
