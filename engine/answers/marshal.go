package answers

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Marshal writes what Parse reads: the answers that were given, under head as a
// comment.
func (f *File) Marshal(head string) ([]byte, error) {
	root := mapping(f.keys())
	root.HeadComment = head
	if len(root.Content) > 0 {
		root.HeadComment = ""
		root.Content[0].HeadComment = head
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// mapping is the node of the keys that hold something.
func mapping(keys []key) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	add := func(name string, v *yaml.Node) {
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, v)
	}
	for _, k := range keys {
		switch {
		case k.group != nil:
			if g := mapping(k.group); len(g.Content) > 0 {
				add(k.name, g)
			}
		case k.text != nil && *k.text != "":
			add(k.name, text(*k.text))
		case k.list != nil && len(*k.list) > 0:
			list := &yaml.Node{Kind: yaml.SequenceNode}
			for _, item := range *k.list {
				list.Content = append(list.Content, text(item))
			}
			add(k.name, list)
		case k.yes != nil && *k.yes:
			add(k.name, yes(true))
		case k.maybe != nil && *k.maybe != nil:
			add(k.name, yes(**k.maybe))
		}
	}
	return m
}

// text quotes what would be read as something else.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off": // words of their own to older readers
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func yes(v bool) *yaml.Node {
	word := "no"
	if v {
		word = "yes"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: word}
}
