package command

// Kind implements Op.
func (PoolCreate) Kind() Kind { return KindPoolCreate }

// ReadOnly implements Op.
func (PoolCreate) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolAlter) Kind() Kind { return KindPoolAlter }

// ReadOnly implements Op.
func (PoolAlter) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolDelete) Kind() Kind { return KindPoolDelete }

// ReadOnly implements Op.
func (PoolDelete) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolJoin) Kind() Kind { return KindPoolJoin }

// ReadOnly implements Op.
func (PoolJoin) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolLeave) Kind() Kind { return KindPoolLeave }

// ReadOnly implements Op.
func (PoolLeave) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolAcknowledge) Kind() Kind { return KindPoolAcknowledge }

// ReadOnly implements Op.
func (PoolAcknowledge) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolEvict) Kind() Kind { return KindPoolEvict }

// ReadOnly implements Op.
func (PoolEvict) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolPin) Kind() Kind { return KindPoolPin }

// ReadOnly implements Op.
func (PoolPin) ReadOnly() bool { return false }

// Kind implements Op.
func (PoolList) Kind() Kind { return KindPoolList }

// ReadOnly implements Op.
func (PoolList) ReadOnly() bool { return true }

// Kind implements Op.
func (PoolInfo) Kind() Kind { return KindPoolInfo }

// ReadOnly implements Op.
func (PoolInfo) ReadOnly() bool { return true }

// Kind implements Op.
func (PoolTable) Kind() Kind { return KindPoolTable }

// ReadOnly implements Op.
func (PoolTable) ReadOnly() bool { return true }

// Kind implements Op.
func (PoolAssignment) Kind() Kind { return KindPoolAssignment }

// ReadOnly implements Op.
func (PoolAssignment) ReadOnly() bool { return true }

// Kind implements Op.
func (PoolExplain) Kind() Kind { return KindPoolExplain }

// ReadOnly implements Op.
func (PoolExplain) ReadOnly() bool { return true }
