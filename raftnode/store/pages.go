package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// A bolt file is pages of one size. Pages 0 and 1 are meta pages, of which the one with a checksum that fits and the larger transaction counts; it names the page of the root bucket. A bucket is a tree of
// branch and leaf pages, and a leaf may name the root pages of further buckets, or hold small ones. Numbers have the byte order of the machine.
//
//	page    id 8, flags 2, count 2, overflow 4 (pages that belong to this one), elements
//	branch  position 4 (of the key, from the element), key size 4, page 8
//	leaf    flags 4 (1: a bucket), position 4, key size 4, value size 4
//	bucket  root page 8 (0: the page follows, inside of the value), sequence 8
//	meta    magic 4, version 4, page size 4, flags 4, root bucket 16, free list 8, pages 8, transaction 8, checksum 8 (FNV-1a of the 56 bytes before)
const (
	pageHeader    = 16
	elementSize   = 16
	bucketHeader  = 16
	metaSize      = 64
	metaMagic     = 0xED0CDAED
	branchPage    = 0x01
	leafPage      = 0x02
	freeListPage  = 0x10
	leafIsBucket  = 0x01
	noFreeList    = ^uint64(0)
	smallestPages = 1 << 10
	largestPages  = 1 << 24
)

// checkPages looks at every page of a bolt file that can be reached, and says what is wrong with the first that is none. bolt itself follows whatever a page says, behind the end of the file, or in a circle for ever.
// Nobody may write to the file meanwhile. The time is that of reading the file once.
func checkPages(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	pages := &pageCheck{file: file, fileSize: uint64(info.Size())}
	meta, err := pages.newestMeta()
	if err != nil {
		return err
	}
	pages.seen = make([]bool, min(meta.pages, pages.fileSize/pages.pageSize))
	if meta.freeList != noFreeList {
		if err := pages.checkFreeList(meta.freeList); err != nil {
			return err
		}
	}
	return pages.checkTree(meta.root)
}

// pageCheck is a file whose pages are looked at.
type pageCheck struct {
	file               *os.File
	fileSize, pageSize uint64
	seen               []bool
}

type metaPage struct{ root, freeList, pages, transaction uint64 }

// newestMeta finds the meta page that counts, and with it the size of pages.
func (p *pageCheck) newestMeta() (newest metaPage, err error) {
	first, size, err := p.meta(0)
	if err != nil {
		return newest, err
	}
	found := size != 0
	newest, p.pageSize = first, size
	for at := uint64(smallestPages); at <= largestPages && at < p.fileSize; at *= 2 {
		if found && at != size {
			continue // the first meta page says where the second is
		}
		second, sizeThere, err := p.meta(at)
		if err != nil {
			return newest, err
		}
		if sizeThere == at && (!found || second.transaction > newest.transaction) {
			return p.counts(second, at)
		}
	}
	return p.counts(newest, size)
}

func (p *pageCheck) counts(meta metaPage, size uint64) (metaPage, error) {
	if size < smallestPages || size > largestPages {
		return meta, errors.New("no meta page is whole")
	}
	p.pageSize = size
	return meta, nil
}

// meta reads a meta page; its page size is 0 when it is none.
func (p *pageCheck) meta(at uint64) (meta metaPage, pageSize uint64, err error) {
	raw := make([]byte, metaSize)
	if _, err := p.file.ReadAt(raw, int64(at+pageHeader)); err != nil {
		if errors.Is(err, io.EOF) {
			return meta, 0, nil
		}
		return meta, 0, err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(raw[:metaSize-8])
	word := binary.NativeEndian
	if word.Uint32(raw) != metaMagic || word.Uint64(raw[metaSize-8:]) != sum.Sum64() {
		return meta, 0, nil
	}
	return metaPage{root: word.Uint64(raw[16:]), freeList: word.Uint64(raw[32:]), pages: word.Uint64(raw[40:]), transaction: word.Uint64(raw[48:])}, uint64(word.Uint32(raw[8:])), nil
}

// page reads a page with all that belongs to it, which nobody may have named before.
func (p *pageCheck) page(id uint64) (raw []byte, flags uint16, err error) {
	if id < 2 || id >= uint64(len(p.seen)) {
		return nil, 0, fmt.Errorf("page %d lies outside of the file, which has %d", id, len(p.seen))
	}
	header := make([]byte, pageHeader)
	if _, err := p.file.ReadAt(header, int64(id*p.pageSize)); err != nil {
		return nil, 0, err
	}
	word := binary.NativeEndian
	last := id + uint64(word.Uint32(header[12:]))
	if found := word.Uint64(header); found != id || last >= uint64(len(p.seen)) {
		return nil, 0, fmt.Errorf("page %d is none", id)
	}
	for at := id; at <= last; at++ {
		if p.seen[at] {
			return nil, 0, fmt.Errorf("page %d belongs to two others", at)
		}
		p.seen[at] = true
	}
	raw = make([]byte, (last-id+1)*p.pageSize)
	if _, err := p.file.ReadAt(raw, int64(id*p.pageSize)); err != nil {
		return nil, 0, err
	}
	return raw, word.Uint16(header[8:]), nil
}

func (p *pageCheck) checkFreeList(id uint64) error {
	_, flags, err := p.page(id)
	if err == nil && flags != freeListPage {
		err = fmt.Errorf("page %d should list free pages and does not", id)
	}
	return err
}

// checkTree looks at a page and all below it. It comes to an end, since no page is looked at twice.
func (p *pageCheck) checkTree(id uint64) error {
	raw, flags, err := p.page(id)
	if err != nil {
		return err
	}
	switch flags {
	case leafPage:
		err = p.checkLeaf(raw)
	case branchPage:
		err = p.checkBranch(raw)
	default:
		err = errors.New("it is no page of a tree")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// element is the place of one in a page, and the key that it names.
type element struct {
	raw []byte // the element and all that follows
	key []byte
}

// elements are those of a page, whose keys must rise. sizes tells the place and size of the key, and how much follows it.
func elements(raw []byte, sizes func(raw []byte) (position, key, value uint64)) (all []element, err error) {
	count := uint64(binary.NativeEndian.Uint16(raw[10:]))
	if pageHeader+count*elementSize > uint64(len(raw)) {
		return nil, errors.New("it has more elements than room")
	}
	for i := range count {
		rest := raw[pageHeader+i*elementSize:]
		position, keySize, valueSize := sizes(rest)
		if position+keySize+valueSize > uint64(len(rest)) {
			return nil, fmt.Errorf("element %d reaches behind it", i)
		}
		key := rest[position : position+keySize]
		if i > 0 && bytes.Compare(all[i-1].key, key) >= 0 {
			return nil, fmt.Errorf("the key of element %d is out of order", i)
		}
		all = append(all, element{rest, key})
	}
	return all, nil
}

func (p *pageCheck) checkBranch(raw []byte) error {
	word := binary.NativeEndian
	all, err := elements(raw, func(raw []byte) (position, key, value uint64) {
		return uint64(word.Uint32(raw)), uint64(word.Uint32(raw[4:])), 0
	})
	if err == nil && len(all) == 0 {
		err = errors.New("it leads nowhere")
	}
	for _, one := range all {
		if err == nil {
			err = p.checkTree(word.Uint64(one.raw[8:]))
		}
	}
	return err
}

func (p *pageCheck) checkLeaf(raw []byte) error {
	word := binary.NativeEndian
	all, err := elements(raw, func(raw []byte) (position, key, value uint64) {
		return uint64(word.Uint32(raw[4:])), uint64(word.Uint32(raw[8:])), uint64(word.Uint32(raw[12:]))
	})
	for _, one := range all {
		if err == nil && word.Uint32(one.raw)&leafIsBucket != 0 {
			begin := uint64(word.Uint32(one.raw[4:])) + uint64(len(one.key))
			err = p.checkBucket(one.raw[begin : begin+uint64(word.Uint32(one.raw[12:]))])
		}
	}
	return err
}

// checkBucket looks at the bucket that a leaf holds or names.
func (p *pageCheck) checkBucket(value []byte) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket is cut off")
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return p.checkTree(root)
	}
	inside := value[bucketHeader:]
	if len(inside) < pageHeader || binary.NativeEndian.Uint16(inside[8:]) != leafPage {
		return errors.New("a small bucket is none")
	}
	return p.checkLeaf(inside)
}
