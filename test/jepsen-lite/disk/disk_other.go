//go:build !linux

package disk

import "errors"

// Disk is one mounted disk, which there is only on Linux.
type Disk struct {
	// Path is where it is mounted.
	Path string
}

var errLinux = errors.New("disks of their own need Linux")

// New makes no disk here.
func New(path, image string, size int64) (*Disk, error) { return nil, errLinux }

// Break lets every access that writes fail.
func (d *Disk) Break() error { return errLinux }

// Repair mounts a broken disk again.
func (d *Disk) Repair() error { return errLinux }

// PowerLoss lets the disk forget everything that was not synced.
func (d *Disk) PowerLoss() error { return errLinux }

// Freeze lets every write and sync hang until Thaw.
func (d *Disk) Freeze() error { return errLinux }

// Thaw lets a frozen disk go on.
func (d *Disk) Thaw() {}

// Close unmounts the disk.
func (d *Disk) Close() error { return nil }

// Missing says why there can be no disks here.
func Missing() string { return errLinux.Error() }
