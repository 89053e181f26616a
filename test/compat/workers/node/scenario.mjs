import { Contended, NotOwned, say, sleep, tokenOf } from "./lines.mjs";

const scenarioTtlMs = 10_000;
const expiryTtlMs = 2_000;
const expiryLatenessMs = 2_000;

function must(condition, message) {
  if (!condition) throw new Error(message);
}

async function refused(promise, kind, message) {
  let got;
  try {
    got = await promise;
  } catch (error) {
    if (error instanceof kind) return;
    throw error;
  }
  throw new Error(`${message}: got ${JSON.stringify(got ?? null)}, want the client's refusal`);
}

// Scenario takes one lock through its life with two clients of one library.
export class Scenario {
  constructor(first, second, name, fence) {
    Object.assign(this, { first, second, name, fence, token: 0 });
  }

  async run() {
    for (const step of ["acquire", "contend", "extend", "release", "expire"]) {
      try {
        const detail = await this[step]();
        say({ event: "check", step, ok: true, detail: detail ?? "" });
      } catch (error) {
        say({ event: "check", step, ok: false, detail: `${error.name}: ${error.message}` });
        return false;
      }
    }
    return true;
  }

  async acquire() {
    this.held = await this.first.acquire(this.name, scenarioTtlMs);
    await this.mustHold(this.held);
    const remaining = Number(await this.first.command("PTTL", this.name));
    must(remaining > 0 && remaining <= scenarioTtlMs, `PTTL after the acquire: got ${remaining}`);
    this.token = await this.readToken(this.held);
    return `token ${this.token}`;
  }

  async contend() {
    await refused(this.second.tryAcquire(this.name, scenarioTtlMs), Contended, "a second client's acquire");
    await this.mustHold(this.held);
  }

  async extend() {
    await sleep(300);
    const before = Number(await this.first.command("PTTL", this.name));
    await this.held.extend(scenarioTtlMs);
    const after = Number(await this.first.command("PTTL", this.name));
    must(after > before, `PTTL was ${before} before and is ${after} after the extension; want more`);
    const token = await this.readToken(this.held);
    must(token === this.token, `the token was ${this.token} and is ${token} after the extension; want the same`);
    return `${before} ms to ${after} ms`;
  }

  async release() {
    await this.held.release();
    must(Number(await this.first.command("EXISTS", this.name)) === 0, "the key is still there after the release");
    await refused(this.held.release(), NotOwned, "a second release");
    const next = await this.second.acquire(this.name, scenarioTtlMs);
    const token = await this.readToken(next);
    must(!this.fence || token > this.token, `the token was ${this.token} and is ${token} after the next acquire; want more`);
    await refused(this.held.extend(scenarioTtlMs), NotOwned, "the former holder's extension");
    await this.mustHold(next);
    await next.release();
    return `token ${this.token} to ${token}`;
  }

  async expire() {
    const sent = performance.now();
    const old = await this.first.acquire(this.name, expiryTtlMs);
    let next = null;
    while (next === null && performance.now() - sent < expiryTtlMs + 2 * expiryLatenessMs) {
      try {
        next = await this.second.tryAcquire(this.name, scenarioTtlMs);
      } catch (error) {
        if (!(error instanceof Contended)) throw error;
        await sleep(20);
      }
    }
    const waited = performance.now() - sent;
    must(
      next !== null && waited >= expiryTtlMs && waited <= expiryTtlMs + expiryLatenessMs,
      `a lock of ${expiryTtlMs} ms went to the next holder after ${waited} ms`,
    );
    await refused(old.release(), NotOwned, "the release of an expired lock");
    await this.mustHold(next);
    await next.release();
    return `after ${Math.round(waited)} ms`;
  }

  async mustHold(lock) {
    const holder = await this.first.command("GET", this.name);
    must(String(holder) === lock.holder, `GET: got ${holder}, want the holder ${lock.holder}`);
  }

  // readToken reads the fencing token in each way that a client has.
  async readToken(lock) {
    if (!this.fence) return 0;
    const token = await tokenOf(this.first, this.name, lock);
    must(token > 0, `FENCE with the holder's value: got ${token}, want a token`);
    const companion = Number(await this.first.command("GET", `coordd:fence:${this.name}`));
    must(companion === token, `GET of the companion key: got ${companion}, want ${token} as FENCE said`);
    return token;
  }
}
