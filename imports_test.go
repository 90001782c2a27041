package parley_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "parley.lan/"

// mayImport draws which way imports run (docs/architecture.md). A package that is missing here may not exist:
// whoever adds one says first where it belongs.
var mayImport = map[string][]string{
	"cmd/node":          {"cli", "audio", "node", "relay"}, // of relay, the Bridge that audio fills
	"cli":               {"command", "tell", "tui", "node", "local", "doctor", "room"},
	"tui":               {"command", "tell", "notify", "qr", "node", "room"},
	"tell":              {"node", "room"},
	"command":           {"node", "room"},
	"doctor":            {"node", "discovery", "relay", "identity", "wire", "room"},
	"local":             {"node", "room"},
	"node":              {"node/election", "discovery", "relay", "history", "identity", "wire", "room"},
	"node/election":     {"room"},
	"relay":             {"wire", "room", "identity"},
	"history":           {"room"},
	"discovery":         {"identity"},
	"identity":          {"room"},
	"audio":             {"room"},
	"wire":              {"room"},
	"room":              {},
	"notify":            {},
	"qr":                {},
	"bench":             {},
	"internal/lantest":  {},
	"internal/termtest": {},
	"audio/audiotest":   {},
}

// check tells what is wrong with pkg importing imported; both are folders of this module or, for imported,
// any import path.
func check(pkg, imported string) error {
	allowed, known := mayImport[pkg]
	if !known {
		return fmt.Errorf("package %s is not in the drawing", pkg)
	}
	if imported == "C" && pkg != "audio" {
		return fmt.Errorf("%s uses cgo, which only audio may", pkg)
	}
	ours, isOurs := strings.CutPrefix(imported, module)
	if isOurs && !slices.Contains(allowed, ours) {
		return fmt.Errorf("%s imports %s, against the drawing", pkg, ours)
	}
	return nil
}

// TestImportsRunOneWay reads every file of the module, whatever it is built for. Tests may import what they
// like.
func TestImportsRunOneWay(t *testing.T) {
	read := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		read++
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if err := check(path.Dir(name), imported); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Error("no file was read")
	}
}

// TestImportRule: the rule refuses what it should, so that the test above can fail.
func TestImportRule(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"cmd/node", "parley.lan/audio", true},
		{"cli", "parley.lan/node", true},
		{"cli", "parley.lan/audio", false},
		{"cli", "parley.lan/relay", false},
		{"node", "parley.lan/cli", false},
		{"node", "parley.lan/audio", false},
		{"node", "parley.lan/node/election", true},
		{"node/election", "parley.lan/node", false},
		{"relay", "parley.lan/node", false},
		{"audio", "parley.lan/relay", false},
		{"audio", "C", true},
		{"node", "C", false},
		{"room", "parley.lan/wire", false},
		{"room", "golang.org/x/text/width", true},
		{"utils", "fmt", false},
	} {
		if err := check(c.pkg, c.imported); (err == nil) != c.ok {
			t.Errorf("%s imports %s: %v", c.pkg, c.imported, err)
		}
	}
}

// TestImportDrawingHasNoCircle: following the arrows never leads back.
func TestImportDrawingHasNoCircle(t *testing.T) {
	var visit func(pkg string, way []string)
	visit = func(pkg string, way []string) {
		if slices.Contains(way, pkg) {
			t.Fatalf("a circle: %s", strings.Join(append(way, pkg), " → "))
		}
		for _, next := range mayImport[pkg] {
			visit(next, append(way, pkg))
		}
	}
	for pkg := range mayImport {
		visit(pkg, nil)
	}
}
