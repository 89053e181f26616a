// Package plant replaces texts in the sources of a repository for one build, to show that something notices. The checkout is not touched: the changed files are written elsewhere and
// given to the go command with -overlay, so what people build can never contain a change, and there are no switches in the product.
package plant
