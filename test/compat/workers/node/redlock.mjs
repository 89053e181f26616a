// node-redlock 4 over any connection that takes commands with a callback, with
// its default settings.

import Redlock from "redlock";
import { Contended, NotOwned } from "./lines.mjs";

// redlockClient wraps one connection. Redlock counts votes and reports a lost
// vote and a lost connection alike as "Exceeded … attempts"; the connection's
// own error, if there was one, comes as an event and is put into the message.
export function redlockClient(connection, command) {
  let lastError = null;
  const watched = (redlock) => redlock.on("clientError", (error) => (lastError = error));
  const standard = watched(new Redlock([connection]));
  const once = watched(new Redlock([connection], { retryCount: 0 }));

  async function run(operation, refusal) {
    lastError = null;
    try {
      return await operation();
    } catch (error) {
      if (error.name !== "LockError") throw error;
      if (lastError !== null) throw new Error(`${error.message} (${lastError.name}: ${lastError.message})`);
      throw new refusal(error.message);
    }
  }

  const lockWith = (redlock) => async (name, ttlMs) => {
    const lock = await run(() => redlock.lock(name, ttlMs), Contended);
    return {
      holder: lock.value,
      extend: (ms) => run(() => lock.extend(ms), NotOwned),
      release: () => run(() => lock.unlock(), NotOwned),
    };
  };
  return { acquire: lockWith(standard), tryAcquire: lockWith(once), command };
}
