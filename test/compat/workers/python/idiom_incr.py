"""The counter lock: whoever counts to one has it, and gives it a time to live.

Articles teach it with a repair: a counter without a time to live was left by
somebody who died between INCR and EXPIRE, and the next who comes sets it. The
key does not tell its holder, and release is a plain DEL, so that a release
which is sent again can free somebody else's lock: with Redis as with any other
server. A holder therefore lets an old lock expire and does not delete it."""

import time

import redis

from locks import Contended


class Client:
    checks_owner = False

    def __init__(self, host, port):
        self.redis = redis.Redis(host=host, port=port, decode_responses=True)

    def do(self, *command):
        return self.redis.execute_command(*command)

    def acquire(self, name, ttl_ms):
        began = time.monotonic()
        if self.redis.incr(name) == 1:
            self.redis.expire(name, seconds(ttl_ms))
            return Held(self.redis, name, ttl_ms, began)
        if self.redis.ttl(name) == -1:
            self.redis.expire(name, seconds(ttl_ms))
        raise Contended(name)

    try_acquire = acquire


class Held:
    holder = None

    def __init__(self, connection, name, ttl_ms, began):
        self.redis, self.name, self.ttl_ms, self.began = connection, name, ttl_ms, began

    def extend(self):
        self.redis.expire(self.name, seconds(self.ttl_ms))

    def release(self):
        if (time.monotonic() - self.began) * 1000 < self.ttl_ms / 2:
            self.redis.delete(self.name)


def seconds(ttl_ms):
    return max(1, ttl_ms // 1000)
