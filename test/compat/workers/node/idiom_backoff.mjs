// SET NX PX with full-jitter exponential back-off, and Lua that compares first.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { Contended, NotOwned, sleep } from "./lines.mjs";

const firstDelayMs = 10;
const largestDelayMs = 500;
const attemptsByDefault = 8;

const unlock = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) else return 0 end";
const prolong = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) else return 0 end";

export async function open(host, port) {
  const redis = new Redis({ host, port });
  redis.on("error", () => {});

  async function attempts(name, ttlMs, count) {
    const holder = randomUUID();
    for (let attempt = 0; attempt < count; attempt++) {
      if (attempt > 0) await sleep(Math.random() * Math.min(largestDelayMs, firstDelayMs * 2 ** attempt));
      if ((await redis.set(name, holder, "PX", ttlMs, "NX")) === "OK") return held(name, holder);
    }
    throw new Contended(name);
  }

  function held(name, holder) {
    const ifMine = async (script, ...args) => {
      if ((await redis.eval(script, 1, name, holder, ...args)) !== 1) throw new NotOwned(name);
    };
    return { holder, extend: (ms) => ifMine(prolong, ms), release: () => ifMine(unlock) };
  }

  return {
    acquire: (name, ttlMs) => attempts(name, ttlMs, attemptsByDefault),
    tryAcquire: (name, ttlMs) => attempts(name, ttlMs, 1),
    command: (...args) => redis.call(...args.map(String)),
  };
}
