"""redis-py's own Lock, with its default settings."""

import redis
from redis.exceptions import LockNotOwnedError

from locks import Contended, NotOwned

# A caller of acquire() waits for ever by default; a campaign has an end.
BLOCKING_TIMEOUT_SECONDS = 5


class Client:
    checks_owner = True

    def __init__(self, host, port):
        self.redis = redis.Redis(host=host, port=port)

    def do(self, *command):
        return self.redis.execute_command(*command)

    def acquire(self, name, ttl_ms):
        return self._acquire(name, ttl_ms, blocking_timeout=BLOCKING_TIMEOUT_SECONDS)

    def try_acquire(self, name, ttl_ms):
        return self._acquire(name, ttl_ms, blocking=False)

    def _acquire(self, name, ttl_ms, **how):
        lock = self.redis.lock(name, timeout=ttl_ms / 1000)
        if not lock.acquire(**how):
            raise Contended(name)
        return Held(lock, ttl_ms)


class Held:
    def __init__(self, lock, ttl_ms):
        self.lock, self.ttl_ms = lock, ttl_ms
        self.holder = lock.local.token.decode()
        self.released = False

    def extend(self):
        if self.released:
            self._restore()
        try:
            self.lock.extend(self.ttl_ms / 1000)
        except LockNotOwnedError as error:
            raise NotOwned(str(error)) from error

    def release(self):
        if self.released:
            self._restore()
        try:
            self.lock.release()
        except LockNotOwnedError as error:
            raise NotOwned(str(error)) from error
        finally:
            self.released = True

    def _restore(self):
        """The library forgets its token on release; a former holder still knows it."""
        self.lock.local.token = self.holder.encode()
