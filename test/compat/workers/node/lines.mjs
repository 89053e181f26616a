// The JSON lines of standard output, and what every client module here offers.
//
// A module exports open(host, port), which resolves to an object with
//
//   acquire(name, ttlMs)     takes the lock as the library does by default, and
//                            resolves to an object with holder, extend() and release()
//   tryAcquire(name, ttlMs)  the same in one attempt
//   command(...args)         any command through the same library

import { writeSync } from "node:fs";

// Contended: somebody else holds the lock.
export class Contended extends Error {
  name = "Contended";
}

// NotOwned: the lock is not this holder's, or not any more.
export class NotOwned extends Error {
  name = "NotOwned";
}

export function say(line) {
  writeSync(1, JSON.stringify(line) + "\n");
}

// nowUs is the Unix time in microseconds.
export function nowUs() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// tokenOf reads the fencing token of a holder, null when it holds nothing.
export async function tokenOf(client, name, lock) {
  const answer = await client.command("FENCE", name, lock.holder);
  return answer === null ? null : Number(answer);
}
