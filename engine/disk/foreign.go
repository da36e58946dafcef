package disk

import "bytes"

// foreign recognises files that are no image we read, and says what to do.
func foreign(head []byte) (name, remedy string) {
	const convert = "convert it, for instance with qemu-img convert -O vhdx"
	for _, f := range []struct{ magic, name, remedy string }{
		{"EVF\x09\x0d\x0a\xff\x00", "an EnCase image (E01)", "export it as a raw image, or mount it with ewfmount and name the file in it"},
		{"LVF\x09\x0d\x0a\xff\x00", "an EnCase logical image (L01)", "it holds files and no disk"},
		{"EVF2\x0d\x0a\x81\x00", "an EnCase image (Ex01)", "export it as a raw image"},
		{"AFF", "an AFF image", "export it as a raw image"},
		{"QFI\xfb", "a QEMU image (qcow2)", convert},
		{"KDMV", "a VMware image (VMDK)", convert},
		{"COWD", "a VMware image (VMDK)", convert},
		{"# Disk DescriptorFile", "the description of a VMware image", "name the -flat.vmdk file it describes, if there is one; else " + convert},
		{"<<< ", "a VirtualBox image (VDI)", convert},
		{"MSWIM\x00\x00\x00", "a Windows image (WIM)", "apply it to a folder and name that"},
		{"PK\x03\x04", "a ZIP archive", "unpack it first"},
		{"\x1f\x8b\x08", "a gzip file", "unpack it first"},
		{"\xfd7zXZ\x00", "an xz file", "unpack it first"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"},
		{"Rar!\x1a\x07", "a RAR archive", "unpack it first"},
		{"\x28\xb5\x2f\xfd", "a Zstandard file", "unpack it first"},
		{"BZh", "a bzip2 file", "unpack it first"},
	} {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return f.name, f.remedy
		}
	}
	return "", ""
}
