/*
 * Leases, tokens and replicated time over Raft, small enough to be searched completely.
 *
 * Raft itself is taken for granted and stands here as its consequences: one log; a tail of entries that may still be lost; a leader of a term, and others that
 * do not know yet that they lead no more; proposals that wait in a node and are given a term only when that node leads, perhaps a later one than the one in which
 * they were stamped. What is modelled in full is what coordd puts on top: the stamp of an entry, the clock of a reign, renewals, expiry as a command that is checked
 * again, grants, the line of waiters and the hand-over, at most one grant of a name in an entry.
 *
 * One step of the loop in init is one thing that happens; which, is left to chance. README.md tells what is left out. A macro WITHOUT_… takes out one rule.
 */

#define NODES 2     /* that may lead; who else votes does not matter here */
#ifndef TERMS
#define TERMS 3     /* the third lets a node lead again that was deposed */
#endif
#ifndef TIME
#define TIME 4      /* true time ends here */
#endif
#ifndef LOG
#define LOG 4       /* entries that may be committed */
#endif
#define SECOND 1
#define SESSIONS 2
#define TTL 2
#define LEAD 1      /* how far a leader's clock may run ahead of what is applied */
#define NOBODY SESSIONS
#define LEASED 0    /* the session whose lease is watched */
#define RIVAL 1     /* another that wants the lock; its lease outlasts everything here */
#define MOST(a, b) ((a) > (b) -> (a) : (b))
#define LEAST(a, b) ((a) < (b) -> (a) : (b))

mtype = { none, renew, acquire, release, expire, pass };

/* What is true. */
byte time = 0;

/* The replicated state, after `entries` entries. */
byte entries = 0;
byte now = 0;                  /* replicated time */
bool alive[SESSIONS];
byte deadline[SESSIONS];
byte before = TTL;             /* the deadline of the lease one entry ago: what a leader saw that looked while a renewal was under way */
byte holder = NOBODY;
byte token = 0;                /* of the last grant */
#ifdef WITHOUT_INDEX_AS_TOKEN
byte grantedAt = 0;            /* the entry of the last grant */
#else
#define grantedAt token
#endif
bool waiting[SESSIONS];

/* What a holder believes: the true time at which it sent the newest renewal that was acknowledged. */
byte renewedAt[SESSIONS];

/* Raft: what waits in each node for its fate, and what a new leader found in its log and has to commit first. An entry is: the term in which it was stamped, the term that Raft gave it, its stamp, two commands with their session and the true time at which they were
 * sent, and what the leader believed of the lock (for WITHOUT_LOOKING). */
byte term = 1;
byte leader = 0;
chan proposals[NODES] = [1] of { byte, byte, mtype, byte, byte, mtype, byte, bool };
chan tail = [1] of { byte, byte, byte, mtype, byte, byte, mtype, byte, bool };

/* The reign of each node: the term for which it has a clock, 0 for none, and that clock. */
byte reign[NODES];
short shift[NODES];            /* the clock minus true time */
#ifdef WITHOUT_STAMP_AT_SEAL
byte opened[NODES];
#endif
#ifdef WITHOUT_INDEX_AS_TOKEN
byte counter[NODES];
#endif

/* The clock of a reign. What would put it too far ahead of the state is dropped for ever: a clock that caught up later would run faster than time. */
#define reading(i) LEAST(time + shift[i], now + LEAD)

inline read(i) {
	stamp = reading(i);
#ifndef WITHOUT_DROPPING_THE_SURPLUS
	shift[i] = stamp - time
#endif
}

/* The session is over by its deadline or by a command. */
#define over(s) (!alive[s] || deadline[s] <= now)

/* Scratch, always back at zero between two steps, so that it makes no states of its own. */
byte other = 0, stamped = 0, given = 0, stamp = 0, sessionA = 0, sentA = 0, sessionB = 0, next = 0;
mtype kindA = none, kindB = none;
bool free = false;

/* A session ends by time: no holder that renewed may have been promised more. */
inline end(who) {
	assert(time >= renewedAt[who] + TTL);
	alive[who] = false;
	waiting[who] = false;
	deadline[who] = 0;
	renewedAt[who] = 0;
	if
	:: holder == who -> holder = NOBODY; handOver()
	:: else
	fi
}

/* The lock goes to a session: to one that lives, with a token larger than all before, and only when nobody has it. */
inline grant(to) {
	assert(holder == NOBODY);
	assert(!over(to));
#ifdef WITHOUT_INDEX_AS_TOKEN
	counter[leader]++;
	assert(counter[leader] > token);
	token = counter[leader];
	grantedAt = entries;
#else
	assert(entries > token);
	token = entries;
#endif
	holder = to;
	waiting[to] = false
}

/* A free lock goes to whoever waits. Two sessions never wait at once: one of them would have it. */
inline handOver() {
	next = 0;
	do
	:: next < SESSIONS && holder == NOBODY && waiting[next] ->
		if
#ifndef WITHOUT_SKIPPING_THE_DEAD
		:: over(next) -> waiting[next] = false
#endif
#ifndef WITHOUT_ONE_GRANT_AN_ENTRY
		:: !over(next) && grantedAt == entries -> break /* pending until the next entry */
		:: !over(next) && grantedAt != entries -> grant(next)
#elif defined(WITHOUT_SKIPPING_THE_DEAD)
		:: grant(next)
#else
		:: !over(next) -> grant(next)
#endif
#if defined(WITHOUT_SKIPPING_THE_DEAD) && !defined(WITHOUT_ONE_GRANT_AN_ENTRY)
		:: over(next) -> grant(next)
#endif
		fi
	:: next < SESSIONS && !(holder == NOBODY && waiting[next]) -> next++
	:: next == SESSIONS -> break
	od;
	next = 0
}

/* What time has ended is ended before anybody looks at the lock. */
inline touch() {
	if
	:: holder != NOBODY && over(holder) -> other = holder; end(other); other = 0
	:: else
	fi;
	handOver()
}

/* One command. */
inline carryOut(kind, who, sent) {
	if
	:: kind == renew && !over(who) ->
		deadline[who] = now + TTL;
		renewedAt[who] = MOST(renewedAt[who], sent)
	:: kind == acquire && !over(who) && holder != who ->
#ifdef WITHOUT_LOOKING
		if
		:: free -> grant(who)
		:: else -> waiting[who] = true
		fi
#else
		touch();
		if
		:: holder == NOBODY && grantedAt != entries -> grant(who)
		:: else -> waiting[who] = true
		fi
#endif
	:: kind == release && holder == who && !over(who) -> holder = NOBODY; handOver()
	:: kind == pass && holder != NOBODY && holder != who && !over(holder) ->
		waiting[who] = true; /* who came between */
		holder = NOBODY;
		handOver()
#ifdef WITHOUT_CHECKING_AGAIN
	:: kind == expire && alive[who] -> end(who)
#else
	:: kind == expire && alive[who] && deadline[who] <= now -> end(who)
#endif
	:: else
	fi
}

inline clear() {
	stamped = 0; given = 0; stamp = 0; kindA = none; sessionA = 0; sentA = 0; kindB = none; sessionB = 0; free = false
}

/* A node that believes to lead seals an entry of one or two commands: they are in it before it is stamped. */
inline seal(i, kind, who, kind2, who2) {
	read(i);
#ifdef WITHOUT_STAMP_AT_SEAL
	next = opened[i]; opened[i] = stamp; stamp = next; next = 0;
#endif
#ifdef WITHOUT_LOOKING
	free = (holder == NOBODY);
#endif
#ifdef WITHOUT_LOGGED_RENEWALS
	if
	:: kind == renew && !over(who) -> renewedAt[who] = time
	:: else
	fi;
#endif
	sentA = (kind == renew -> time : 0);
	proposals[i] ! reign[i], stamp, kind, who, sentA, kind2, who2, free;
	clear()
}
#define may_seal(i) (reign[i] > 0 && len(proposals[i]) == 0)

/* What may come to a leader now; it may mean something else when it is run. With the second command, an acquire and a hand-over, an entry could grant twice. */
#define seals(i) \
	:: d_step { may_seal(i) && alive[LEASED] -> seal(i, renew, LEASED, none, 0) } \
	:: d_step { may_seal(i) && alive[LEASED] && LEAST(before, deadline[LEASED]) <= reading(i) -> seal(i, expire, LEASED, none, 0) } \
	:: d_step { may_seal(i) && alive[LEASED] && holder != LEASED && !waiting[LEASED] -> seal(i, acquire, LEASED, none, 0) } \
	:: d_step { may_seal(i) && alive[LEASED] && holder != LEASED && !waiting[LEASED] -> seal(i, acquire, LEASED, pass, RIVAL) } \
	:: d_step { may_seal(i) && holder != RIVAL && !waiting[RIVAL] -> seal(i, acquire, RIVAL, none, 0) } \
	:: d_step { may_seal(i) && holder == LEASED -> seal(i, release, LEASED, none, 0) } \
	:: d_step { may_seal(i) && holder == RIVAL -> seal(i, release, RIVAL, none, 0) }

/* Somebody is elected, perhaps the same again. */
inline elect(i) {
	term++;
	if
	:: leader == SECOND -> /* only the first node is watched after it was deposed: one that comes back is enough */
		reign[SECOND] = 0;
		shift[SECOND] = 0;
		do
		:: len(proposals[SECOND]) > 0 -> proposals[SECOND] ? stamped, stamp, kindA, sessionA, sentA, kindB, sessionB, free
		:: else -> break
		od
	:: else
	fi;
	leader = i;
	clear()
}
#define under_way (len(proposals[leader]) > 0)
#define may_elect (term < TERMS && len(tail) == 0)

/* What the leader before had under way waits on where it was, or has reached the log of the new one, or is lost. */
#define elects(i) \
	:: d_step { may_elect -> elect(i) } \
	:: d_step { may_elect && under_way -> proposals[leader] ? stamped, stamp, kindA, sessionA, sentA, kindB, sessionB, free; \
		tail ! stamped, term, stamp, kindA, sessionA, sentA, kindB, sessionB, free; elect(i) } \
	:: d_step { may_elect && under_way -> proposals[leader] ? stamped, stamp, kindA, sessionA, sentA, kindB, sessionB, free; elect(i) }

/* A node learns that it leads no more. */
#define learns(i) \
	:: d_step { reign[i] > 0 && (reign[i] != term || leader != i) -> reign[i] = 0; shift[i] = 0 }

init {
	d_step {
		alive[0] = true; alive[1] = true;
		deadline[LEASED] = TTL; deadline[RIVAL] = TIME + TTL;
		reign[0] = 1
	};
	do
	/* Time passes. */
	:: d_step { time < TIME && alive[LEASED] -> time++ }

	seals(0)
	seals(1)

	/* An entry is committed, and every machine runs it: first one that the leader found in its log, then one of its own, which Raft gives the present term however
	 * long it has waited. */
	:: d_step { entries < LOG && (len(tail) > 0 || len(proposals[leader]) > 0) ->
		if
		:: len(tail) > 0 -> tail ? stamped, given, stamp, kindA, sessionA, sentA, kindB, sessionB, free
		:: len(tail) == 0 -> proposals[leader] ? stamped, stamp, kindA, sessionA, sentA, kindB, sessionB, free; given = term
		fi;
		entries++;
		before = deadline[LEASED];
		if
#ifdef WITHOUT_TERM_IN_ENTRY
		:: true ->
#else
		:: stamped == given ->
#endif
			now = MOST(now, stamp);
			handOver();
			carryOut(kindA, sessionA, sentA);
			carryOut(kindB, sessionB, 0)
#ifndef WITHOUT_TERM_IN_ENTRY
		:: else
#endif
		fi;
		clear()
	}

	elects(0)
	elects(1)

	/* The leader has applied everything of earlier terms, and begins its reign: with a clock that starts from the state. */
	:: d_step { reign[leader] != term && len(tail) == 0 ->
#ifdef WITHOUT_CLOCK_OF_THE_TERM
		if
		:: reign[leader] > 0 -> /* it believes that it has led all the time, and its clock goes on */
		:: else -> shift[leader] = now - time
		fi;
#else
		shift[leader] = now - time;
#endif
#ifdef WITHOUT_INDEX_AS_TOKEN
		counter[leader] = 0;
#endif
#ifdef WITHOUT_STAMP_AT_SEAL
		opened[leader] = now;
#endif
		reign[leader] = term
	}

	learns(0)
	learns(1)
	od
}
