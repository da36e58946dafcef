package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lifeboat/engine/restore"
	"lifeboat/engine/usmt"
	"lifeboat/engine/winname"
)

// importEFSCommand makes encrypted files of raw streams that a restore has kept.
func (p *program) importEFSCommand(code *usmt.Code) *cobra.Command {
	return &cobra.Command{
		Use:   "import-efs file" + restore.RawSuffix + "…",
		Short: "Make encrypted files (EFS) again that were kept as raw data",
		Long: `Makes encrypted files (EFS) again of the raw data that loadstate has kept beside
where they belong, in the running Windows. They are opened with the certificate
that they were encrypted for. The raw data stay; remove them when the files open.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if err := p.importEFS(name); err != nil {
					*code = p.fail("lifeboat import-efs", err)
				}
			}
			return nil
		},
	}
}

func (p *program) importEFS(name string) error {
	to, ok := strings.CutSuffix(p.path(name), restore.RawSuffix)
	if !ok {
		return usmt.Fail(usmt.InvalidParameters, nil, "%s does not end in %s", winname.Show(name), restore.RawSuffix)
	}
	in, err := os.Open(p.path(name))
	if err != nil {
		return usmt.Fail(usmt.MigrationFailed, err, "read raw data")
	}
	defer in.Close()
	err = restore.ImportRaw(to, in)
	switch {
	case errors.Is(err, restore.ErrNotWindows):
		return usmt.Fail(usmt.UnsupportedPlatform, err, "import %s", winname.Show(name)).
			WithRemedy("run this in the Windows that the file is for")
	case err != nil:
		return usmt.Fail(usmt.MigrationFailed, err, "import %s", winname.Show(name))
	}
	fmt.Fprintf(p.stdout, "%s is there again\n", winname.Show(to))
	return nil
}
