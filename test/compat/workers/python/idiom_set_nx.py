"""The lock that most articles teach: SET NX PX with a random value, and a script
that compares the value before it deletes or extends."""

import uuid

import redis

from locks import Contended, NotOwned

DELETE_IF_MINE = """
if redis.call('get', KEYS[1]) == ARGV[1] then
    return redis.call('del', KEYS[1])
else
    return 0
end
"""

EXTEND_IF_MINE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('pexpire', KEYS[1], tonumber(ARGV[2]))
"""


class Client:
    checks_owner = True

    def __init__(self, host, port):
        self.redis = redis.Redis(host=host, port=port, decode_responses=True)

    def do(self, *command):
        return self.redis.execute_command(*command)

    def acquire(self, name, ttl_ms):
        holder = str(uuid.uuid4())
        if not self.redis.set(name, holder, nx=True, px=ttl_ms):
            raise Contended(name)
        return Held(self.redis, name, holder, ttl_ms)

    try_acquire = acquire


class Held:
    def __init__(self, connection, name, holder, ttl_ms):
        self.redis, self.name, self.holder, self.ttl_ms = connection, name, holder, ttl_ms

    def extend(self):
        if self.redis.eval(EXTEND_IF_MINE, 1, self.name, self.holder, self.ttl_ms) != 1:
            raise NotOwned(self.name)

    def release(self):
        if self.redis.eval(DELETE_IF_MINE, 1, self.name, self.holder) != 1:
            raise NotOwned(self.name)
