package disk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Disk is one mounted disk. Its methods must not be called from several goroutines at once.
type Disk struct {
	// Path is where it is mounted.
	Path string

	image   string
	mounted bool
	frozen  *os.File
}

// New makes an empty disk of so many bytes and mounts it on the path, which must be an empty folder. Its content lies in the file image.
func New(path, image string, size int64) (*Disk, error) {
	file, err := os.Create(image)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
		return nil, err
	}
	d := &Disk{Path: path, image: image}
	if err := command("mkfs.ext4", "-q", "-F", "-m", "0", image); err != nil {
		return nil, err
	}
	if err := d.mount(); err != nil {
		return nil, err
	}
	err = errors.Join(os.Remove(filepath.Join(path, "lost+found")), os.Chmod(path, 0o700))
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func command(name string, arguments ...string) error {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(output)))
	}
	return nil
}

func (d *Disk) mount() error {
	err := command("mount", "-o", "loop,noatime", d.image, d.Path)
	d.mounted = err == nil
	return err
}

// shutdownIoctl is EXT4_IOC_SHUTDOWN, and dropEverything its flag to write neither data nor journal.
const (
	shutdownIoctl  = 0x8004587d
	dropEverything = uint32(2)
)

// Break lets every access that writes fail with an I/O error from now on. What was not synced is lost.
func (d *Disk) Break() error {
	folder, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	defer folder.Close()
	flags := dropEverything
	if _, _, problem := unix.Syscall(unix.SYS_IOCTL, folder.Fd(), shutdownIoctl, uintptr(unsafe.Pointer(&flags))); problem != 0 {
		return fmt.Errorf("shutting the file system on %s down: %w", d.Path, problem)
	}
	return nil
}

// repairPatience is for how long Repair waits until nobody has the broken file system any more.
const repairPatience = 15 * time.Second

// Repair mounts a broken disk again. No process may have files open on it. A mount namespace that was made meanwhile, by whoever works in a network namespace, has a copy of the mount and keeps the broken file system alive:
// the mount gives the same one again then, and is tried until that namespace is gone.
func (d *Disk) Repair() error {
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if err := command("umount", d.Path); err != nil {
			return err
		}
		d.mounted = false
		if err := d.mount(); err != nil {
			return err
		}
		err := d.probe()
		if !errors.Is(err, unix.EIO) {
			return err
		}
		if time.Since(begin) > repairPatience {
			return fmt.Errorf("the file system on %s is the broken one after %v yet; another mount namespace must have it: %w", d.Path, repairPatience, err)
		}
	}
}

// probe writes to the disk, and leaves nothing there.
func (d *Disk) probe() error {
	path := filepath.Join(d.Path, "probe")
	return errors.Join(os.WriteFile(path, nil, 0o600), os.RemoveAll(path))
}

// PowerLoss lets the disk forget everything that was not synced. No process may have files open on it, which is how a machine without power is.
func (d *Disk) PowerLoss() error {
	if err := d.Break(); err != nil {
		return err
	}
	return d.Repair()
}

// The requests of fsfreeze.
const (
	freezeIoctl = 0xc0045877
	thawIoctl   = 0xc0045878
)

// Freeze lets every write and sync hang until Thaw.
func (d *Disk) Freeze() error {
	folder, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetInt(int(folder.Fd()), freezeIoctl, 0); err != nil {
		_ = folder.Close()
		return fmt.Errorf("freezing the file system on %s: %w", d.Path, err)
	}
	d.frozen = folder
	return nil
}

// Thaw lets a frozen disk go on; no harm if it is not frozen.
func (d *Disk) Thaw() {
	if d.frozen != nil {
		_ = unix.IoctlSetInt(int(d.frozen.Fd()), thawIoctl, 0)
		_ = d.frozen.Close()
		d.frozen = nil
	}
}

// Close unmounts the disk and forgets what was on it.
func (d *Disk) Close() error {
	d.Thaw()
	if d.mounted {
		if err := command("umount", d.Path); err != nil {
			if lazily := command("umount", "--lazy", d.Path); lazily != nil { // somebody looks at it; it goes when they are done
				return errors.Join(err, lazily)
			}
		}
		d.mounted = false
	}
	return os.Remove(d.image)
}

// Missing says why there can be no disks here; empty if there can.
func Missing() string {
	if os.Geteuid() != 0 {
		return "disks of their own need root, to mount them"
	}
	if !mayMount() {
		return "disks of their own need the capability SYS_ADMIN, to mount them, which root has not got here"
	}
	if loops, _ := filepath.Glob("/dev/loop*"); len(loops) == 0 {
		return "disks of their own need loop devices, and there is none in /dev"
	}
	for _, program := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(program); err != nil {
			return "disks of their own need the program " + program
		}
	}
	return ""
}

// mayMount reports whether this process has the capability to mount. When the kernel does not say, mounting is tried and tells.
func mayMount() bool {
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(status)) {
		if mask, found := strings.CutPrefix(line, "CapEff:"); found {
			effective, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err != nil || effective>>unix.CAP_SYS_ADMIN&1 == 1
		}
	}
	return true
}
