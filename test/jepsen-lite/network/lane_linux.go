package network

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The late lane is a device that leads into this process: the firewall sends packets of disturbed links there, and they come back when they are due, some twice.

// openLane makes the device in the namespace of the calling thread.
func openLane() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(lateDevice)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make the device %s: %w", lateDevice, err)
	}
	return os.NewFile(uintptr(fd), lateDevice), nil
}

// passage is what the late lane knows of one link.
type passage struct {
	arrived, left uint64    // the last packet that came, and the latest of those that went
	free          time.Time // when a narrow link has room again
}

// mostBehind is how far a narrow link may lie behind; what comes then does not fit into its queue, and is lost.
const mostBehind = 2 * time.Second

// serveLane passes late packets on until the device is closed.
func (s *namespaces) serveLane() {
	buffer := make([]byte, maxDatagram)
	for {
		size, err := s.lane.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			s.fail(fmt.Errorf("read late packets: %w", err))
			return
		}
		s.admit(append([]byte(nil), buffer[:size]...), time.Now())
	}
}

// admit decides when a packet comes, and how often.
func (s *namespaces) admit(packet []byte, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, known := s.linkOf(packet)
	fault := s.faults[key]
	if !known || !fault.late() {
		s.emit(packet, key, 0, 0) // healed on the way
		return
	}
	way := s.passages[key]
	if way == nil {
		way = &passage{}
		s.passages[key] = way
	}
	way.arrived++
	copies := 1
	if s.random.Float64() < fault.Duplicate {
		copies++
		s.duplicated++
	}
	for range copies {
		delay := fault.Delay
		if fault.Jitter > 0 {
			delay += time.Duration(s.random.Int64N(int64(fault.Jitter)))
		}
		if fault.Rate > 0 {
			if way.free.Sub(now) > mostBehind {
				s.overflowed++
				return
			}
			begin := way.free
			if begin.Before(now) {
				begin = now
			}
			way.free = begin.Add(time.Duration(len(packet)) * time.Second / time.Duration(fault.Rate))
			delay += way.free.Sub(now)
		}
		if delay > 0 {
			s.delayed++
		}
		s.emit(packet, key, way.arrived, delay)
	}
}

// emit is called with mu held; number is 0 for packets that are in nobody's order.
func (s *namespaces) emit(packet []byte, key link, number uint64, delay time.Duration) {
	send := func() {
		if way := s.passages[key]; way != nil && number > 0 {
			if number < way.left {
				s.reordered++
			}
			way.left = max(way.left, number)
		}
		_, _ = s.lane.Write(packet) // a packet that cannot be sent is lost, as packets are
	}
	if delay <= 0 {
		send()
		return
	}
	time.AfterFunc(delay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		send()
	})
}
