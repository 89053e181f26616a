"""The lock without scripts: WATCH the key, GET it, and change it in MULTI/EXEC
only if the value is one's own and nobody touched it in between."""

import secrets

import redis

from locks import Contended, NotOwned


class Client:
    checks_owner = True

    def __init__(self, host, port):
        self.redis = redis.Redis(host=host, port=port, decode_responses=True)

    def do(self, *command):
        return self.redis.execute_command(*command)

    def acquire(self, name, ttl_ms):
        holder = secrets.token_hex(16)
        if not self.redis.set(name, holder, px=ttl_ms, nx=True):
            raise Contended(name)
        return Held(self.redis, name, holder, ttl_ms)

    try_acquire = acquire


class Held:
    def __init__(self, connection, name, holder, ttl_ms):
        self.redis, self.name, self.holder, self.ttl_ms = connection, name, holder, ttl_ms

    def extend(self):
        self._if_mine(lambda transaction: transaction.pexpire(self.name, self.ttl_ms))

    def release(self):
        self._if_mine(lambda transaction: transaction.delete(self.name))

    def _if_mine(self, change):
        with self.redis.pipeline(transaction=True) as transaction:
            transaction.watch(self.name)
            if transaction.get(self.name) != self.holder:
                transaction.unwatch()
                raise NotOwned(self.name)
            transaction.multi()
            change(transaction)
            try:
                changed = transaction.execute()
            except redis.WatchError as error:
                raise NotOwned(self.name) from error
            if changed != [1]:
                raise NotOwned(self.name)
