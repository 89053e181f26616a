package tidy

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode"
)

// checkDocs fails for a package without a story and for an exported name without a comment. The story stands in doc.go, also of a package with one file, so that nobody has to look for it.
func checkDocs(tree *Tree) ([]Finding, error) {
	var findings []Finding
	told := map[string]bool{}
	packages := map[string][]*File{}
	for _, file := range tree.GoFiles() {
		if file.IsTest() {
			continue
		}
		packages[file.Dir()] = append(packages[file.Dir()], file)
		if path.Base(file.Path) == "doc.go" && file.Syntax.Doc != nil {
			told[file.Dir()] = true
		}
		findings = append(findings, tree.undocumented(file)...)
	}
	for directory, files := range packages {
		if !told[directory] {
			findings = append(findings, Finding{Path: directory, Text: "package " + files[0].Syntax.Name.Name +
				" has no doc.go with a package comment; a reader who opens the folder should be told what it is for and where to begin"})
		}
	}
	slices.SortFunc(findings, compareFindings)
	return findings, nil
}

// undocumented lists the exported names of a file that have no comment.
func (t *Tree) undocumented(file *File) []Finding {
	if file.Syntax.Name.Name == "main" {
		return nil // nobody imports a program
	}
	var findings []Finding
	missing := func(place token.Pos, name string) {
		findings = append(findings, t.at(place, "%s is exported and has no comment; say what it is, its units, its limits and its errors", name))
	}
	for _, declaration := range file.Syntax.Decls {
		switch declared := declaration.(type) {
		case *ast.FuncDecl:
			if declared.Doc == nil && declared.Name.IsExported() && exportedReceiver(declared) && !selfExplaining(declared) {
				missing(declared.Pos(), declared.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range declared.Specs {
				undocumentedSpec(declared, spec, missing)
			}
		}
	}
	return findings
}

// undocumentedSpec reports the exported names of one type, const or var. A comment on the group, before the line or at its end all count, and so does one on
// another line of the group that mentions the name.
func undocumentedSpec(group *ast.GenDecl, spec ast.Spec, missing func(token.Pos, string)) {
	switch declared := spec.(type) {
	case *ast.TypeSpec:
		if declared.Name.IsExported() && declared.Doc == nil && declared.Comment == nil && group.Doc == nil {
			missing(declared.Pos(), declared.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range declared.Names {
			if name.IsExported() && declared.Doc == nil && declared.Comment == nil && group.Doc == nil && !mentioned(group, name.Name) {
				missing(name.Pos(), name.Name)
			}
		}
	}
}

// mentioned reports whether some comment within a group has the name as a word.
func mentioned(group *ast.GenDecl, name string) bool {
	for _, spec := range group.Specs {
		if value, ok := spec.(*ast.ValueSpec); ok && slices.Contains(strings.FieldsFunc(value.Doc.Text(), notInName), name) {
			return true
		}
	}
	return false
}

func notInName(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// selfExplaining reports whether a function is a method that everybody knows from the standard library.
func selfExplaining(function *ast.FuncDecl) bool {
	return function.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap"}, function.Name.Name)
}

// exportedReceiver reports whether a function has no receiver or one whose type readers of the documentation see.
func exportedReceiver(function *ast.FuncDecl) bool {
	if function.Recv == nil || len(function.Recv.List) == 0 {
		return true
	}
	kind := function.Recv.List[0].Type
	for {
		switch inner := kind.(type) {
		case *ast.StarExpr:
			kind = inner.X
		case *ast.IndexExpr:
			kind = inner.X
		case *ast.IndexListExpr:
			kind = inner.X
		case *ast.Ident:
			return inner.IsExported()
		default:
			return true
		}
	}
}
