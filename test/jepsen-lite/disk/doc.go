// Package disk gives a node a disk of its own, of limited size, that can fail: an ext4 file system in a file, mounted by the kernel (Linux, root).
//
// That makes faults real ones. PowerLoss throws away everything that was not synced, as losing power does: the file system is shut down without writing its dirty pages or its
// journal, and mounted again. Freeze lets every write and every fsync hang until Thaw. Break lets everything fail with an I/O error until PowerLoss or Repair
// mounts it anew.
package disk
