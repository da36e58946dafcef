package usmt

import (
	"fmt"
	"io"
	"strings"
)

// Estimate is the space that a store needs (spec/usmt-cli-spec.md 2.6).
type Estimate struct {
	Sizes     []StoreSize `json:"sizes"`
	Temporary int64       `json:"temporary"` // bytes of working space, without the 250 MB that must be free anyway
}

// StoreSize is the size of the store on a volume with a given cluster size.
type StoreSize struct {
	Cluster int64 `json:"cluster"`
	Bytes   int64 `json:"bytes"`
}

// WriteXML writes the file of /p:file.
func (e Estimate) WriteXML(w io.Writer) error {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<PreMigration>\r\n  <storeSize>\r\n")
	for _, s := range e.Sizes {
		fmt.Fprintf(&b, "    <size clusterSize=\"%d\">%d</size>\r\n", s.Cluster, s.Bytes)
	}
	fmt.Fprintf(&b, "  </storeSize>\r\n  <temporarySpace>\r\n    <size>%d</size>\r\n  </temporarySpace>\r\n</PreMigration>\r\n", e.Temporary)
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteText writes the file of /p alone, Usmtsize.txt.
func (e Estimate) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, s := range e.Sizes {
		fmt.Fprintf(&b, "%d bytes with clusters of %d bytes\r\n", s.Bytes, s.Cluster)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Clusters is how many bytes a file of the given size takes on a volume with
// that cluster size.
func Clusters(size, cluster int64) int64 {
	if cluster <= 0 || size <= 0 {
		return max(size, 0)
	}
	return (size + cluster - 1) / cluster * cluster
}
