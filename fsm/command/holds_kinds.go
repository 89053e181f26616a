package command

// Kind implements Op.
func (Numbered) Kind() Kind { return KindNumbered }

// ReadOnly implements Op.
func (Numbered) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionRenew) Kind() Kind { return KindSessionRenew }

// ReadOnly implements Op.
func (SessionRenew) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionKill) Kind() Kind { return KindSessionKill }

// ReadOnly implements Op.
func (SessionKill) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionList) Kind() Kind { return KindSessionList }

// ReadOnly implements Op.
func (SessionList) ReadOnly() bool { return true }

// Kind implements Op.
func (SessionInfo) Kind() Kind { return KindSessionInfo }

// ReadOnly implements Op.
func (SessionInfo) ReadOnly() bool { return true }

// Kind implements Op.
func (HoldAcquire) Kind() Kind { return KindHoldAcquire }

// ReadOnly implements Op.
func (HoldAcquire) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldRenew) Kind() Kind { return KindHoldRenew }

// ReadOnly implements Op.
func (HoldRenew) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldRelease) Kind() Kind { return KindHoldRelease }

// ReadOnly implements Op.
func (HoldRelease) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldCancel) Kind() Kind { return KindHoldCancel }

// ReadOnly implements Op.
func (HoldCancel) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldDescribe) Kind() Kind { return KindHoldDescribe }

// ReadOnly implements Op.
func (HoldDescribe) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldCheck) Kind() Kind { return KindHoldCheck }

// ReadOnly implements Op.
func (HoldCheck) ReadOnly() bool { return true }

// Kind implements Op.
func (LockInfo) Kind() Kind { return KindLockInfo }

// ReadOnly implements Op.
func (LockInfo) ReadOnly() bool { return true }

// Kind implements Op.
func (LockList) Kind() Kind { return KindLockList }

// ReadOnly implements Op.
func (LockList) ReadOnly() bool { return true }

// Kind implements Op.
func (LockHistory) Kind() Kind { return KindLockHistory }

// ReadOnly implements Op.
func (LockHistory) ReadOnly() bool { return true }

// Kind implements Op.
func (ElectionTransfer) Kind() Kind { return KindElectionTransfer }

// ReadOnly implements Op.
func (ElectionTransfer) ReadOnly() bool { return false }

// Kind implements Op.
func (ElectionLeader) Kind() Kind { return KindElectionLeader }

// ReadOnly implements Op.
func (ElectionLeader) ReadOnly() bool { return true }

// Kind implements Op.
func (ForceUnlock) Kind() Kind { return KindForceUnlock }

// ReadOnly implements Op.
func (ForceUnlock) ReadOnly() bool { return false }

// Kind implements Op.
func (HoldOutcome) Kind() Kind { return KindHoldOutcome }

// ReadOnly implements Op.
func (HoldOutcome) ReadOnly() bool { return true }
