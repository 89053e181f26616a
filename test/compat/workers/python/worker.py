"""Runs one Python lock client against one address.

Says on standard output, as JSON lines, what happened: in a scenario each check
and how it went, in a campaign each time in which the client held a lock, and
each error that reached it. The lines are those of the Go and Node programs
beside this one.
"""

import argparse
import importlib
import json
import random
import sys
import threading
import time

from locks import Contended, NotOwned

SCENARIO_TTL_MS = 10_000
EXPIRY_TTL_MS = 2_000
EXPIRY_LATENESS_MS = 2_000

CLIENTS = {
    "redis-py-lock": "redis_py_lock",
    "idiom-set-nx": "idiom_set_nx",
    "idiom-majority": "idiom_majority",
    "idiom-watch": "idiom_watch",
    "idiom-incr": "idiom_incr",
}

_output = threading.Lock()


def say(**line):
    with _output:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def now_us():
    return time.time_ns() // 1000


def must(condition, message):
    if not condition:
        raise AssertionError(message)


def refused(operation, kind, message):
    """Runs the operation and fails unless the client refuses it."""
    try:
        got = operation()
    except kind:
        return
    raise AssertionError(f"{message}: got {got!r}, want the client's refusal")


class Scenario:
    """Takes one lock through its life with two clients of one library."""

    def __init__(self, first, second, name, fence):
        self.first, self.second, self.name, self.fence = first, second, name, fence
        self.held = None
        self.token = 0

    def run(self):
        for step in ("acquire", "contend", "extend", "release", "expire"):
            try:
                detail = getattr(self, step)()
            except Exception as error:  # whatever a library raises is the finding
                say(event="check", step=step, ok=False, detail=f"{type(error).__name__}: {error}")
                return False
            say(event="check", step=step, ok=True, detail=detail or "")
        return True

    def acquire(self):
        self.held = self.first.acquire(self.name, SCENARIO_TTL_MS)
        self.must_hold(self.held)
        remaining = self.first.do("PTTL", self.name)
        must(0 < remaining <= SCENARIO_TTL_MS, f"PTTL after the acquire: got {remaining}")
        self.token = self.read_token(self.held)
        return f"token {self.token}"

    def contend(self):
        refused(lambda: self.second.try_acquire(self.name, SCENARIO_TTL_MS), Contended, "a second client's acquire")
        self.must_hold(self.held)

    def extend(self):
        time.sleep(0.3)
        before = self.first.do("PTTL", self.name)
        self.held.extend()
        after = self.first.do("PTTL", self.name)
        must(after > before, f"PTTL was {before} before and is {after} after the extension; want more")
        token = self.read_token(self.held)
        must(token == self.token, f"the token was {self.token} and is {token} after the extension; want the same")
        return f"{before} ms to {after} ms"

    def release(self):
        self.held.release()
        must(self.first.do("EXISTS", self.name) == 0, "the key is still there after the release")
        if self.first.checks_owner:
            refused(self.held.release, NotOwned, "a second release")
        following = self.second.acquire(self.name, SCENARIO_TTL_MS)
        token = self.read_token(following)
        must(not self.fence or token > self.token, f"the token was {self.token} and is {token} after the next acquire; want more")
        if self.first.checks_owner:
            refused(self.held.extend, NotOwned, "the former holder's extension")
        self.must_hold(following)
        following.release()
        return f"token {self.token} to {token}"

    def expire(self):
        sent = time.monotonic()
        old = self.first.acquire(self.name, EXPIRY_TTL_MS)
        following = None
        while following is None and self.waited_ms(sent) < EXPIRY_TTL_MS + 2 * EXPIRY_LATENESS_MS:
            try:
                following = self.second.try_acquire(self.name, SCENARIO_TTL_MS)
            except Contended:
                time.sleep(0.02)
        waited = self.waited_ms(sent)
        must(following is not None and EXPIRY_TTL_MS <= waited <= EXPIRY_TTL_MS + EXPIRY_LATENESS_MS,
             f"a lock of {EXPIRY_TTL_MS} ms went to the next holder after {waited:.0f} ms")
        if self.first.checks_owner:
            refused(old.release, NotOwned, "the release of an expired lock")
        self.must_hold(following)
        following.release()
        return f"after {waited:.0f} ms"

    @staticmethod
    def waited_ms(since):
        return (time.monotonic() - since) * 1000

    def must_hold(self, lock):
        holder = self.first.do("GET", self.name)
        if lock.holder is None:
            must(holder is not None, "the key is gone")
            return
        must(as_text(holder) == lock.holder, f"GET: got {holder!r}, want the holder {lock.holder!r}")

    def read_token(self, lock):
        """Reads the fencing token in each way that a client has."""
        if not self.fence:
            return 0
        token = fence(self.first, self.name, lock)
        must(token is not None and token > 0, f"FENCE: got {token!r}, want a token")
        companion = self.first.do("GET", "coordd:fence:" + self.name)
        must(companion is not None and int(companion) == token,
             f"GET of the companion key: got {companion!r}, want {token} as FENCE said")
        return token


class Campaign:
    """Takes and releases locks of a few shared names until the time is over."""

    def __init__(self, client, names, ttl_ms, want_fence, until):
        self.client, self.names, self.ttl_ms, self.fence, self.until = client, names, ttl_ms, want_fence, until
        self.counts = {"attempts": 0, "held": 0, "contended": 0, "errors": 0}
        self.counting = threading.Lock()

    def run(self, loops):
        threads = [threading.Thread(target=self.loop) for _ in range(loops)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say(event="summary", **self.counts)

    def loop(self):
        while time.time() < self.until:
            self.once(random.choice(self.names))

    def once(self, name):
        line = {"event": "held", "name": name, "sent_us": now_us(), "ttl_ms": self.ttl_ms}
        self.count("attempts")
        try:
            lock = self.client.acquire(name, self.ttl_ms)
        except Exception as error:
            self.failed("acquire", name, "", error)
            time.sleep(random.random() * 0.1)
            return
        line.update(from_us=now_us(), holder=lock.holder or "", end="released")
        line["token"] = self.attempt("fence", name, lock, lambda: fence(self.client, name, lock)) or 0 if self.fence else 0
        time.sleep(random.random() * 0.15)
        if random.randrange(3) == 0:
            began = now_us()
            if self.attempt("extend", name, lock, lambda: lock.extend() or True):
                line["last_extend_us"] = began
                time.sleep(random.random() * 0.1)
        line["until_us"] = now_us()
        try:
            lock.release()
        except Exception as error:
            line["end"] = "not_owned" if isinstance(error, NotOwned) else "unknown"
            self.failed("release", name, lock.holder or "", error)
        self.count("held")
        say(**line)

    def attempt(self, operation, name, lock, run):
        try:
            return run()
        except Exception as error:
            self.failed(operation, name, lock.holder or "", error)
            return None

    def failed(self, operation, name, holder, error):
        if isinstance(error, Contended):
            self.count("contended")
            return
        self.count("errors")
        say(event="error", operation=operation, name=name, holder=holder,
            message=f"{type(error).__name__}: {error}", at_us=now_us())

    def count(self, what):
        with self.counting:
            self.counts[what] += 1


def fence(client, name, lock):
    answer = client.do("FENCE", name) if lock.holder is None else client.do("FENCE", name, lock.holder)
    return None if answer is None else int(answer)


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=sorted(CLIENTS), required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--mode", choices=["scenario", "campaign"], default="scenario")
    parser.add_argument("--names", required=True, help="the names of the locks, separated by commas")
    parser.add_argument("--duration-seconds", type=float, default=10, help="how long a campaign goes on")
    parser.add_argument("--ttl-ms", type=int, default=3000)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--no-fence", action="store_true", help="do not read fencing tokens (a redis-server has none)")
    options = parser.parse_args()

    host, port = options.address.rsplit(":", 1)
    module = importlib.import_module(CLIENTS[options.client])
    names = options.names.split(",")
    if options.mode == "campaign":
        until = time.time() + options.duration_seconds
        Campaign(module.Client(host, int(port)), names, options.ttl_ms, not options.no_fence, until).run(options.loops)
        return 0
    scenario = Scenario(module.Client(host, int(port)), module.Client(host, int(port)), names[0], not options.no_fence)
    return 0 if scenario.run() else 1


if __name__ == "__main__":
    sys.exit(main())
