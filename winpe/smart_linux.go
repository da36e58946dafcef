package winpe

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// smart asks a disk whether it expects to fail. The disk is only asked, through a
// descriptor that cannot write; what does not understand the question, or may be
// upset by it, as the bridges of USB disks may, counts as healthy.
func smart(device, bus string) string {
	var ask func(fd int) string
	switch bus {
	case "SATA":
		ask = ataHealth
	case "NVMe":
		ask = nvmeHealth
	default:
		return ""
	}
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	return ask(int(f.Fd()))
}

// saysFailing is what SMART's one bit means.
const saysFailing = "the disk itself says that it is failing (SMART)"

// sgHeader is sg_io_hdr of scsi/sg.h.
type sgHeader struct {
	interfaceID    int32
	direction      int32
	cmdLen         uint8
	senseSize      uint8
	iovecs         uint16
	dataLen        uint32
	data           unsafe.Pointer
	cmd            unsafe.Pointer
	sense          unsafe.Pointer
	timeout        uint32 // ms
	flags          uint32
	packID         int32
	user           unsafe.Pointer
	status, masked uint8
	message        uint8
	senseLen       uint8
	host, driver   uint16
	residual       int32
	duration, info uint32
}

// ataHealth sends SMART RETURN STATUS (ATA command set, B0h/DAh) in an ATA
// PASS-THROUGH(16) command, whose answer comes as sense data.
func ataHealth(fd int) string {
	const (
		sgIO          = 0x2285
		nonData       = 3 << 1
		wantRegisters = 1 << 5
	)
	cmd := [16]byte{0: 0x85, 1: nonData, 2: wantRegisters, 4: 0xDA, 10: 0x4F, 12: 0xC2, 14: 0xB0}
	var sense [64]byte
	h := sgHeader{
		interfaceID: 'S', direction: -1, cmdLen: uint8(len(cmd)), senseSize: uint8(len(sense)),
		cmd: unsafe.Pointer(&cmd), sense: unsafe.Pointer(&sense), timeout: 3000,
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), sgIO, uintptr(unsafe.Pointer(&h)))
	runtime.KeepAlive(&h)
	if errno != 0 {
		return ""
	}
	return ataVerdict(sense[:])
}

// ataVerdict reads the registers out of the sense data: LBA 2CF400h stands for a
// threshold that was exceeded, C24F00h for none.
func ataVerdict(sense []byte) string {
	const descriptors, ataStatus = 0x72, 0x09
	if len(sense) < 22 || sense[0]&0x7F != descriptors || sense[8] != ataStatus {
		return ""
	}
	if middle, high := sense[17], sense[19]; middle == 0xF4 && high == 0x2C {
		return saysFailing
	}
	return ""
}

// nvmeCommand is nvme_admin_cmd of linux/nvme_ioctl.h.
type nvmeCommand struct {
	opcode, flags         uint8
	_                     uint16
	namespace             uint32
	_                     [2]uint32
	metadata              uint64
	data                  uint64
	metadataLen, dataLen  uint32
	cdw10                 uint32
	_                     [5]uint32
	timeoutMS, resultCode uint32
}

// nvmeHealth reads the log page SMART / Health Information (NVMe base specification,
// log page 02h).
func nvmeHealth(fd int) string {
	const (
		adminCommand = 0xC0484E41
		getLogPage   = 0x02
		page         = 0x02
	)
	var log [512]byte
	c := nvmeCommand{
		opcode: getLogPage, namespace: 0xFFFFFFFF, data: uint64(uintptr(unsafe.Pointer(&log))), dataLen: uint32(len(log)),
		cdw10: page | uint32(len(log)/4-1)<<16, timeoutMS: 3000,
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), adminCommand, uintptr(unsafe.Pointer(&c)))
	runtime.KeepAlive(&log)
	if errno != 0 {
		return ""
	}
	return nvmeVerdict(log[:])
}

// nvmeVerdict reads the log page's critical warnings and count of media errors.
func nvmeVerdict(log []byte) string {
	if len(log) < 176 {
		return ""
	}
	var says []string
	for _, w := range []struct {
		bit  byte
		text string
	}{{1, "its spare blocks run out"}, {4, "it has become unreliable"}, {8, "it can only be read any more"}} {
		if log[0]&w.bit != 0 {
			says = append(says, w.text)
		}
	}
	if len(says) > 0 {
		return saysFailing + ": " + strings.Join(says, ", ")
	}
	if n := binary.LittleEndian.Uint64(log[160:]); n > 0 {
		return fmt.Sprintf("the disk has met %d errors that it could not correct (SMART)", n)
	}
	return ""
}
