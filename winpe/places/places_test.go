package places

import (
	"reflect"
	"testing"

	"lifeboat/engine"
	"lifeboat/engine/windows"
	"lifeboat/winpe"
)

const guid = "6d5d1f3a-0000-4000-8000-000000000003"

func partitionID(t *testing.T) windows.DiskID {
	t.Helper()
	id, err := windows.ParseGUID(guid)
	if err != nil {
		t.Fatal(err)
	}
	return windows.DiskID{Partition: id}
}

func check(t *testing.T, what string, got, want []engine.Place) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

func TestMounted(t *testing.T) {
	got := Mounted([]winpe.Volume{
		{Mount: `C:\`, Device: `\\?\Volume{1}\`, Partition: winpe.Partition{GUID: guid}},
		{Mount: "/mnt/pc", Device: "/dev/sda3", ReadOnly: true, Partition: winpe.Partition{Signature: 0x1234, Offset: 1 << 20}, Disk: winpe.Disk{Name: "sda"}},
		{Mount: "/mnt/stick", Device: "/dev/sdb1", Removable: true},
		{Mount: `E:\`, Device: `\\?\Volume{2}\`, Disk: winpe.Disk{Name: "Disk 1"}},
		{Mount: `F:\`, Device: `\\?\Volume{3}\`, Disk: winpe.Disk{Name: "Disk 1"}, System: true},
		{Mount: "/mnt/rw", Device: "/dev/sda5", Disk: winpe.Disk{Name: "sda"}},
		{Mount: `Z:\`, Network: true},
		{Mount: `D:\`, Problem: "locked by BitLocker"},
	}, []winpe.Drive{{Health: "of no disk"}, {Disk: winpe.Disk{Name: "sda"}, Health: "failing"}, {Disk: winpe.Disk{Name: "Disk 1"}, Health: "failing"}})
	check(t, "mounted", got, []engine.Place{
		{Path: `C:\`, Device: `\\.\C:`, Writable: true, Disk: partitionID(t)},
		{Path: "/mnt/pc", Device: "/dev/sda3", Disk: windows.DiskID{Signature: 0x1234, Offset: 1 << 20}, Health: "failing"},
		{Path: "/mnt/stick", Device: "/dev/sdb1", Writable: true, Removable: true},
		// Nobody writes to a disk that fails, so it is read raw; but for the running system.
		{Path: `E:\`, Device: `\\.\E:`, Health: "failing"},
		{Path: `F:\`, Device: `\\.\F:`, Writable: true, Health: "failing"},
		{Path: "/mnt/rw", Device: "/dev/sda5", Health: "failing"},
	})
}

func TestUnmounted(t *testing.T) {
	got := Unmounted([]winpe.Drive{{Removable: true, Health: "failing", Parts: []winpe.Part{
		{Path: "/dev/sda1", FileSystem: "FAT32"},
		{Path: "/dev/sda2", FileSystem: "NTFS", Mount: "/mnt/pc"},
		{Path: "/dev/sda3", FileSystem: "BitLocker", Partition: winpe.Partition{GUID: guid}},
		{Path: "/dev/sda4", FileSystem: "NTFS", InUse: "md1"},
		{Path: "/dev/sda5", FileSystem: "NTFS"},
	}}})
	check(t, "not mounted", got, []engine.Place{
		{Path: "/dev/sda3", Removable: true, Health: "failing", Disk: partitionID(t)},
		{Path: "/dev/sda5", Removable: true, Health: "failing"},
	})
}

func TestNamed(t *testing.T) {
	volumes := []winpe.Volume{{Mount: "/mnt/pc", Device: "/dev/sda3", ReadOnly: true, Disk: winpe.Disk{Name: "sda"}}}
	drives := []winpe.Drive{
		{Disk: winpe.Disk{Name: "sda"}, Device: "/dev/sda", Health: "failing", Parts: []winpe.Part{{Path: "/dev/sda3"}}},
		{Disk: winpe.Disk{Name: "sdb"}, Device: "/dev/sdb", Parts: []winpe.Part{{Path: "/dev/sdb1"}}},
	}
	named := []string{"/mnt/pc/", "pc.vhdx", "/dev/sda", "/dev/sda#3", "/dev/sda3", "/dev/sdb", "/dev/sdb1"}
	check(t, "named", Named(named, volumes, drives), []engine.Place{
		{Path: "/mnt/pc/", Device: "/dev/sda3", Health: "failing"}, {Path: "pc.vhdx"},
		{Path: "/dev/sda", Health: "failing"}, {Path: "/dev/sda#3", Health: "failing"}, {Path: "/dev/sda3", Health: "failing"},
		{Path: "/dev/sdb"}, {Path: "/dev/sdb1"},
	})
}

func TestFurther(t *testing.T) {
	known := winpe.Partition{GUID: guid}
	got := Further([]winpe.Volume{
		{Mount: "/mnt/pc", Partition: known},
		{Mount: "/mnt/data", Device: "/dev/sda4", Partition: known},
		{Mount: "/", System: true, Partition: known},
		{Mount: "/mnt/stick", Removable: true, Partition: known},
		{Mount: "/mnt/share", Network: true, Partition: known},
		{Mount: "/mnt/dead", Problem: "does not answer", Partition: known},
		{Mount: "/mnt/unknown"},
	}, nil, "/mnt/pc")
	check(t, "further", got, []engine.Place{{Path: "/mnt/data", Device: "/dev/sda4", Writable: true, Disk: partitionID(t)}})
}
