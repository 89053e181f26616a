import { Contended, NotOwned, nowUs, say, sleep, tokenOf } from "./lines.mjs";

// Campaign takes and releases locks of a few shared names until the time is over.
export class Campaign {
  constructor(client, names, ttlMs, fence, until) {
    Object.assign(this, { client, names, ttlMs, fence, until });
    this.counts = { attempts: 0, held: 0, contended: 0, errors: 0 };
  }

  async run(loops) {
    await Promise.all(Array.from({ length: loops }, () => this.loop()));
    say({ event: "summary", ...this.counts });
  }

  async loop() {
    while (Date.now() < this.until) {
      await this.once(this.names[Math.floor(Math.random() * this.names.length)]);
    }
  }

  async once(name) {
    const line = { event: "held", name, sent_us: nowUs(), ttl_ms: this.ttlMs, token: 0, end: "released" };
    this.counts.attempts++;
    let lock;
    try {
      lock = await this.client.acquire(name, this.ttlMs);
    } catch (error) {
      this.failed("acquire", name, "", error);
      await sleep(Math.random() * 100);
      return;
    }
    line.from_us = nowUs();
    line.holder = lock.holder;
    if (this.fence) line.token = (await this.attempt("fence", name, lock, () => tokenOf(this.client, name, lock))) ?? 0;
    await sleep(Math.random() * 150);
    if (Math.random() < 1 / 3) {
      const began = nowUs();
      if (await this.attempt("extend", name, lock, () => lock.extend(this.ttlMs).then(() => true))) {
        line.last_extend_us = began;
        await sleep(Math.random() * 100);
      }
    }
    line.until_us = nowUs();
    try {
      await lock.release();
    } catch (error) {
      line.end = error instanceof NotOwned ? "not_owned" : "unknown";
      this.failed("release", name, lock.holder, error);
    }
    this.counts.held++;
    say(line);
  }

  async attempt(operation, name, lock, run) {
    try {
      return await run();
    } catch (error) {
      this.failed(operation, name, lock.holder, error);
      return null;
    }
  }

  failed(operation, name, holder, error) {
    if (error instanceof Contended) {
      this.counts.contended++;
      return;
    }
    this.counts.errors++;
    say({ event: "error", operation, name, holder, message: `${error.name}: ${error.message}`, at_us: nowUs() });
  }
}
