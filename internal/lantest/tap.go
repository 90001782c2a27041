//go:build linux

package lantest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// tunSetCarrier is TUNSETCARRIER of linux/if_tun.h, since Linux 4.20: _IOW('T', 226, int).
const tunSetCarrier = 0x400454e2

// openTAP makes a TAP device in the calling thread's network namespace. It goes away when the file is
// closed. Each Read gives one Ethernet frame that the namespace sent, each Write is one that it receives.
func openTAP(name string) (*os.File, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: device, Err: err}
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make the device %s: %w", name, err)
	}
	// Only now: a descriptor that has no device yet would be told off by the poller.
	return os.NewFile(uintptr(fd), name), nil
}

// setCarrier does to the device what plugging a cable in, or pulling it, does to a network card.
func setCarrier(tap *os.File, on bool) error {
	value := 0
	if on {
		value = 1
	}
	raw, err := tap.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetPointerInt(int(fd), tunSetCarrier, value)
	}); err != nil {
		return err
	}
	return failed
}
