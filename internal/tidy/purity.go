package tidy

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// pureFolders hold the code that every replica runs on the same log and that must come to the same state everywhere.
var pureFolders = []string{"fsm", "ring"}

// pureImports are the packages of the standard library that code in pureFolders may use: they compute, and nothing else. sync is for a lock around
// the machine, which readers share with the one goroutine that applies; package maps is not here because its iterators have no order.
var pureImports = []string{
	"bufio", "bytes", "cmp", "crypto/sha1", "crypto/sha256", "crypto/subtle", "encoding/binary", "encoding/hex", "errors", "fmt", "hash", "hash/crc32",
	"io", "iter", "math", "math/big", "math/bits", "slices", "sort", "strconv", "strings", "sync", "sync/atomic", "unicode", "unicode/utf8",
}

// checkPurity fails for anything in the machine or in placement whose outcome could differ between two replicas.
func checkPurity(tree *Tree) ([]Finding, error) {
	packages := tree.pureSources()
	if len(packages) == 0 {
		return nil, nil
	}
	info, err := tree.typeCheck(packages)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, files := range packages {
		for _, file := range files {
			findings = append(findings, tree.impureImports(file)...)
			inspector := &purity{tree: tree, info: info}
			ast.Inspect(file.Syntax, inspector.visit)
			findings = append(findings, inspector.findings...)
		}
	}
	slices.SortFunc(findings, compareFindings)
	return findings, nil
}

// pureSources groups the files to look at by folder. Tests may do what they like.
func (t *Tree) pureSources() map[string][]*File {
	packages := map[string][]*File{}
	for _, file := range t.GoFiles() {
		for _, folder := range pureFolders {
			if !file.IsTest() && within(file.Dir(), folder) {
				packages[file.Dir()] = append(packages[file.Dir()], file)
			}
		}
	}
	return packages
}

func (t *Tree) impureImports(file *File) []Finding {
	var findings []Finding
	for _, spec := range file.Syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err == nil && isStandardLibrary(imported) && !slices.Contains(pureImports, imported) {
			findings = append(findings, t.at(spec.Pos(), "imports %s: replicas that read a clock, randomness or the world come to different states; let the leader put it into the command", imported))
		}
	}
	return findings
}

// purity collects what one file does that its imports do not show.
type purity struct {
	tree     *Tree
	info     *types.Info
	rounded  map[ast.Expr]bool // products that an explicit conversion rounds
	findings []Finding
}

func (p *purity) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.GoStmt:
		p.report(n.Pos(), "starts a goroutine: the order of two goroutines differs between replicas")
	case *ast.SelectStmt:
		p.report(n.Pos(), "select chooses at random between ready channels")
	case *ast.ChanType:
		p.report(n.Pos(), "a channel: effects leave the machine as values, and whoever applies sends them")
	case *ast.RangeStmt:
		p.rangeOver(n)
	case *ast.CallExpr:
		p.conversion(n)
	case *ast.BinaryExpr:
		if n.Op == token.MUL && !p.rounded[n] && p.isFloat(n) {
			p.report(n.Pos(), fusedProduct)
		}
	case *ast.AssignStmt:
		if n.Tok == token.MUL_ASSIGN && p.isFloat(n.Lhs[0]) {
			p.report(n.Pos(), fusedProduct)
		}
	}
	return true
}

const fusedProduct = "a floating-point product that is not rounded by float64(…): some processors fuse it with a sum that follows, and replicas would differ in the last bit"

func (p *purity) report(place token.Pos, text string) {
	p.findings = append(p.findings, p.tree.at(place, "%s", text))
}

func (p *purity) rangeOver(loop *ast.RangeStmt) {
	ranged := p.info.TypeOf(loop.X)
	if ranged == nil {
		p.report(loop.Pos(), "the type that is ranged over is not known, so it may be a map")
		return
	}
	if _, isMap := coreType(ranged).(*types.Map); isMap {
		p.report(loop.Pos(), "ranges over a map, whose order differs between replicas; keep an ordered tree, or sort the keys beside the map")
	}
}

// coreType is the type below names; for a type parameter the one type that all its possible arguments share, if there is one.
func coreType(t types.Type) types.Type {
	parameter, ok := t.(*types.TypeParam)
	if !ok {
		return t.Underlying()
	}
	constraint, ok := parameter.Underlying().(*types.Interface)
	if !ok || constraint.NumEmbeddeds() != 1 {
		return t.Underlying()
	}
	embedded := constraint.EmbeddedType(0)
	if union, isUnion := embedded.(*types.Union); isUnion && union.Len() == 1 {
		embedded = union.Term(0).Type()
	}
	return embedded.Underlying()
}

// conversion notes a product that is rounded because it is the argument of a conversion such as float64(a * b).
func (p *purity) conversion(call *ast.CallExpr) {
	if len(call.Args) != 1 || !p.info.Types[call.Fun].IsType() {
		return
	}
	if p.rounded == nil {
		p.rounded = map[ast.Expr]bool{}
	}
	p.rounded[ast.Unparen(call.Args[0])] = true
}

// isFloat reports whether an expression is computed in floating point when the program runs; constants are exact.
func (p *purity) isFloat(expression ast.Expr) bool {
	value, known := p.info.Types[expression]
	if !known || value.Value != nil {
		return false
	}
	basic, ok := value.Type.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0
}
