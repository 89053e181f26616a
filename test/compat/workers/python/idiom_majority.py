"""The majority loop of the Redlock article, given a list of one address.

Ask every address, count the votes, subtract the time that asking took and the
clock drift from the validity, and undo everything when there is no majority or
no validity left. Against one address a majority is one vote; everything else
of the loop stays."""

import random
import time
import uuid

import redis

from idiom_set_nx import DELETE_IF_MINE, EXTEND_IF_MINE
from locks import Contended, NotOwned

ATTEMPTS = 3
RETRY_DELAY_SECONDS = 0.2
CLOCK_DRIFT_FACTOR = 0.01


class Client:
    checks_owner = True

    def __init__(self, host, port):
        self.servers = [redis.Redis(host=host, port=port, decode_responses=True)]

    def do(self, *command):
        return self.servers[0].execute_command(*command)

    def acquire(self, name, ttl_ms):
        return self._attempts(name, ttl_ms, ATTEMPTS)

    def try_acquire(self, name, ttl_ms):
        return self._attempts(name, ttl_ms, 1)

    def _attempts(self, name, ttl_ms, attempts):
        for attempt in range(attempts):
            if attempt > 0:
                time.sleep(random.random() * RETRY_DELAY_SECONDS)
            lock = self._attempt(name, ttl_ms)
            if lock is not None:
                return lock
        raise Contended(name)

    def _attempt(self, name, ttl_ms):
        lock = Held(self.servers, name, str(uuid.uuid4()), ttl_ms)
        began = time.monotonic()
        votes, failure = 0, None
        for server in self.servers:
            try:
                votes += bool(server.set(name, lock.holder, nx=True, px=ttl_ms))
            except redis.RedisError as error:
                failure = error
        elapsed_ms = (time.monotonic() - began) * 1000
        validity_ms = ttl_ms - elapsed_ms - (ttl_ms * CLOCK_DRIFT_FACTOR + 2)
        if votes >= len(self.servers) // 2 + 1 and validity_ms > 0:
            return lock
        lock.undo()
        if failure is not None:
            raise failure
        return None


class Held:
    def __init__(self, servers, name, holder, ttl_ms):
        self.servers, self.name, self.holder, self.ttl_ms = servers, name, holder, ttl_ms

    def undo(self):
        for server in self.servers:
            try:
                server.eval(DELETE_IF_MINE, 1, self.name, self.holder)
            except redis.RedisError:
                continue  # the entry then ends with its time to live

    def extend(self):
        self._majority(EXTEND_IF_MINE, self.ttl_ms)

    def release(self):
        self._majority(DELETE_IF_MINE)

    def _majority(self, script, *args):
        votes = sum(server.eval(script, 1, self.name, self.holder, *args) for server in self.servers)
        if votes < len(self.servers) // 2 + 1:
            raise NotOwned(self.name)
