package template

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// inText finds references in the text of a Sub.
var inText = regexp.MustCompile(`\$\{(\w+)`)

// references are the names that a part of the template refers to.
func references(node *yaml.Node) (names []string) {
	switch node.Tag {
	case "!Ref":
		names = append(names, node.Value)
	case "!GetAtt":
		name, _, _ := strings.Cut(node.Value, ".")
		names = append(names, name)
	case "!Sub":
		text := node.Value
		if node.Kind == yaml.SequenceNode {
			text = node.Content[0].Value
		}
		for _, found := range inText.FindAllStringSubmatch(text, -1) {
			names = append(names, found[1])
		}
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == "DependsOn" {
			names = append(names, child.Value)
		}
		names = append(names, references(child)...)
	}
	return names
}

// An emulator compares the template before SAM's transform when it updates a stack, and fails where
// resources refer to each other in a circle, even if the transform resolves it.
func TestNoResourcesReferToEachOtherInACircle(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Resources map[string]yaml.Node `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Resources) < 20 {
		t.Fatalf("%d resources were read", len(doc.Resources))
	}

	done := map[string]bool{}
	var path []string
	var visit func(name string)
	visit = func(name string) {
		if at := slices.Index(path, name); at >= 0 {
			t.Errorf("a circle: %s", strings.Join(append(path[at:], name), " → "))
			return
		}
		resource, found := doc.Resources[name]
		if !found || done[name] {
			return
		}
		path = append(path, name)
		for _, other := range references(&resource) {
			visit(other)
		}
		path = path[:len(path)-1]
		done[name] = true
	}
	for name := range doc.Resources {
		visit(name)
	}
}
