package command

// Kind implements Op.
func (Tick) Kind() Kind { return KindTick }

// ReadOnly implements Op.
func (Tick) ReadOnly() bool { return false }

// Kind implements Op.
func (Expire) Kind() Kind { return KindExpire }

// ReadOnly implements Op.
func (Expire) ReadOnly() bool { return false }

// Kind implements Op.
func (ClockOffset) Kind() Kind { return KindClockOffset }

// ReadOnly implements Op.
func (ClockOffset) ReadOnly() bool { return false }

// Kind implements Op.
func (Identity) Kind() Kind { return KindIdentity }

// ReadOnly implements Op.
func (Identity) ReadOnly() bool { return false }

// Kind implements Op.
func (Setting) Kind() Kind { return KindSetting }

// ReadOnly implements Op.
func (Setting) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionOpen) Kind() Kind { return KindSessionOpen }

// ReadOnly implements Op.
func (SessionOpen) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionKeepAlive) Kind() Kind { return KindSessionKeepAlive }

// ReadOnly implements Op.
func (SessionKeepAlive) ReadOnly() bool { return false }

// Kind implements Op.
func (SessionClose) Kind() Kind { return KindSessionClose }

// ReadOnly implements Op.
func (SessionClose) ReadOnly() bool { return false }

// Kind implements Op.
func (LockAcquire) Kind() Kind { return KindLockAcquire }

// ReadOnly implements Op.
func (LockAcquire) ReadOnly() bool { return false }

// Kind implements Op.
func (LockRenew) Kind() Kind { return KindLockRenew }

// ReadOnly implements Op.
func (LockRenew) ReadOnly() bool { return false }

// Kind implements Op.
func (LockRelease) Kind() Kind { return KindLockRelease }

// ReadOnly implements Op.
func (LockRelease) ReadOnly() bool { return false }

// Kind implements Op.
func (LockCancel) Kind() Kind { return KindLockCancel }

// ReadOnly implements Op.
func (LockCancel) ReadOnly() bool { return false }

// Kind implements Op.
func (Set) Kind() Kind { return KindSet }

// ReadOnly implements Op.
func (Set) ReadOnly() bool { return false }

// Kind implements Op.
func (Get) Kind() Kind { return KindGet }

// ReadOnly implements Op.
func (Get) ReadOnly() bool { return true }

// Kind implements Op.
func (GetDelete) Kind() Kind { return KindGetDelete }

// ReadOnly implements Op.
func (GetDelete) ReadOnly() bool { return false }

// Kind implements Op.
func (GetExpire) Kind() Kind { return KindGetExpire }

// ReadOnly implements Op.
func (GetExpire) ReadOnly() bool { return false }

// Kind implements Op.
func (GetRange) Kind() Kind { return KindGetRange }

// ReadOnly implements Op.
func (GetRange) ReadOnly() bool { return true }

// Kind implements Op.
func (Length) Kind() Kind { return KindLength }

// ReadOnly implements Op.
func (Length) ReadOnly() bool { return true }

// Kind implements Op.
func (MultiGet) Kind() Kind { return KindMultiGet }

// ReadOnly implements Op.
func (MultiGet) ReadOnly() bool { return true }

// Kind implements Op.
func (MultiSet) Kind() Kind { return KindMultiSet }

// ReadOnly implements Op.
func (MultiSet) ReadOnly() bool { return false }

// Kind implements Op.
func (Increment) Kind() Kind { return KindIncrement }

// ReadOnly implements Op.
func (Increment) ReadOnly() bool { return false }

// Kind implements Op.
func (IncrementBy) Kind() Kind { return KindIncrementBy }

// ReadOnly implements Op.
func (IncrementBy) ReadOnly() bool { return false }

// Kind implements Op.
func (Delete) Kind() Kind { return KindDelete }

// ReadOnly implements Op.
func (Delete) ReadOnly() bool { return false }

// Kind implements Op.
func (DeleteIf) Kind() Kind { return KindDeleteIf }

// ReadOnly implements Op.
func (DeleteIf) ReadOnly() bool { return false }

// Kind implements Op.
func (Exists) Kind() Kind { return KindExists }

// ReadOnly implements Op.
func (Exists) ReadOnly() bool { return true }

// Kind implements Op.
func (Type) Kind() Kind { return KindType }

// ReadOnly implements Op.
func (Type) ReadOnly() bool { return true }

// Kind implements Op.
func (ExpireKey) Kind() Kind { return KindExpireKey }

// ReadOnly implements Op.
func (ExpireKey) ReadOnly() bool { return false }

// Kind implements Op.
func (TimeToLive) Kind() Kind { return KindTimeToLive }

// ReadOnly implements Op.
func (TimeToLive) ReadOnly() bool { return true }

// Kind implements Op.
func (Persist) Kind() Kind { return KindPersist }

// ReadOnly implements Op.
func (Persist) ReadOnly() bool { return false }

// Kind implements Op.
func (Scan) Kind() Kind { return KindScan }

// ReadOnly implements Op.
func (Scan) ReadOnly() bool { return true }

// Kind implements Op.
func (Keys) Kind() Kind { return KindKeys }

// ReadOnly implements Op.
func (Keys) ReadOnly() bool { return true }

// Kind implements Op.
func (DatabaseSize) Kind() Kind { return KindDatabaseSize }

// ReadOnly implements Op.
func (DatabaseSize) ReadOnly() bool { return true }

// Kind implements Op.
func (Time) Kind() Kind { return KindTime }

// ReadOnly implements Op.
func (Time) ReadOnly() bool { return true }

// Kind implements Op.
func (Fence) Kind() Kind { return KindFence }

// ReadOnly implements Op.
func (Fence) ReadOnly() bool { return true }

// Kind implements Op.
func (Revisions) Kind() Kind { return KindRevisions }

// ReadOnly implements Op.
func (Revisions) ReadOnly() bool { return true }

// Kind implements Op.
func (Transaction) Kind() Kind { return KindTransaction }

// ReadOnly implements Op: a transaction changes nothing when none of its ops does.
func (t Transaction) ReadOnly() bool {
	for _, op := range t.Ops {
		if !op.ReadOnly() {
			return false
		}
	}
	return true
}

// Kind implements Op.
func (Script) Kind() Kind { return KindScript }

// ReadOnly implements Op.
func (s Script) ReadOnly() bool { return s.ReadsOnly }

// Kind implements Op.
func (ScriptLoad) Kind() Kind { return KindScriptLoad }

// ReadOnly implements Op.
func (ScriptLoad) ReadOnly() bool { return false }

// Kind implements Op.
func (ScriptSource) Kind() Kind { return KindScriptSource }

// ReadOnly implements Op.
func (ScriptSource) ReadOnly() bool { return true }

// Kind implements Op.
func (ScriptExists) Kind() Kind { return KindScriptExists }

// ReadOnly implements Op.
func (ScriptExists) ReadOnly() bool { return true }

// Kind implements Op.
func (ScriptFlush) Kind() Kind { return KindScriptFlush }

// ReadOnly implements Op.
func (ScriptFlush) ReadOnly() bool { return false }

// Kind implements Op.
func (GetRefused) Kind() Kind { return KindGetRefused }

// ReadOnly implements Op.
func (GetRefused) ReadOnly() bool { return true }
