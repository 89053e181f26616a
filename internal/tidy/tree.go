package tidy

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// modulePath is the import path of the root module; the go.mod at the root of a tree is not asked, so that fixtures need none.
const modulePath = "github.com/coordd/coordd"

// maxFileBytes is the size above which a file is not read: it is data, and its size alone is worth a look by a person.
const maxFileBytes = 4 << 20

// File is one text file of a tree.
type File struct {
	Path    string // relative to the root, with slashes, without the fixture ending
	Source  []byte
	Syntax  *ast.File // nil unless it is Go
	Module  string    // folder of the nearest go.mod, "." for the root module
	testing bool
}

// Dir is the folder that the file lies in.
func (f *File) Dir() string { return path.Dir(f.Path) }

// IsTest reports whether the file is Go test code.
func (f *File) IsTest() bool { return f.testing }

// Tree is the text of a checkout, read once and shared by all checks.
type Tree struct {
	Root     string // where it lies on disk
	Files    []*File
	Position *token.FileSet
}

// Finding is one violation of one rule.
type Finding struct {
	Path string
	Line int // 0: the file as a whole
	Text string
}

// String writes a finding the way compilers do, so that editors can jump to it.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.Path + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Text)
}

// Load reads the tree at root. Only files whose name ends in ending are read, and they are known without it: "" for a checkout, ".txt" for a fixture.
func Load(root, ending string) (*Tree, error) {
	tree := &Tree{Root: root, Position: token.NewFileSet()}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name != root && skippedDirectory(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || !strings.HasSuffix(name, ending) {
			return nil
		}
		return tree.read(name, ending)
	})
	if err != nil {
		return nil, err
	}
	tree.findModules()
	return tree, nil
}

// skippedDirectory names what is not source: version control, what package managers and builds leave behind, and test data, which may be
// anything.
func skippedDirectory(name string) bool {
	switch name {
	case ".git", "node_modules", ".venv", "__pycache__", "testdata", "bin", "dist", "work":
		return true
	}
	return false
}

func (t *Tree) read(name, ending string) error {
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxFileBytes {
		return err
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(source, 0) >= 0 {
		return nil // not text
	}
	relative, err := filepath.Rel(t.Root, strings.TrimSuffix(name, ending))
	if err != nil {
		return err
	}
	file := &File{Path: filepath.ToSlash(relative), Source: source}
	if strings.HasSuffix(file.Path, ".go") {
		file.testing = strings.HasSuffix(file.Path, "_test.go")
		file.Syntax, err = parser.ParseFile(t.Position, file.Path, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("this file does not parse, so nothing can be checked: %w", err)
		}
	}
	t.Files = append(t.Files, file)
	return nil
}

// findModules tells each file which module it belongs to.
func (t *Tree) findModules() {
	modules := map[string]bool{".": true}
	for _, file := range t.Files {
		if path.Base(file.Path) == "go.mod" {
			modules[file.Dir()] = true
		}
	}
	for _, file := range t.Files {
		directory := file.Dir()
		for !modules[directory] {
			directory = path.Dir(directory)
		}
		file.Module = directory
	}
}

// GoFiles lists the Go files, in the order of their paths.
func (t *Tree) GoFiles() []*File {
	var files []*File
	for _, file := range t.Files {
		if file.Syntax != nil {
			files = append(files, file)
		}
	}
	return files
}

// at makes a finding at a place in Go source.
func (t *Tree) at(place token.Pos, format string, arguments ...any) Finding {
	position := t.Position.Position(place)
	return Finding{Path: position.Filename, Line: position.Line, Text: fmt.Sprintf(format, arguments...)}
}

// within reports whether a folder is base or lies below it.
func within(directory, base string) bool {
	return directory == base || strings.HasPrefix(directory, base+"/")
}
