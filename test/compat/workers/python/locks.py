"""What every client module here offers.

A module has a class Client(host, port) with

    checks_owner            whether release and extend compare the holder first
    acquire(name, ttl_ms)   takes the lock as the library does by default, and
                            returns an object with holder, extend() and release()
    try_acquire(...)        the same in one attempt
    do(*command)            any command through the same library

holder is the value stored under the lock's name, or None where the idiom
stores nothing that tells its holder.
"""


class Contended(Exception):
    """Somebody else holds the lock."""


class NotOwned(Exception):
    """The lock is not this holder's, or not any more."""
