import { Redis } from "ioredis";
import { redlockClient } from "./redlock.mjs";

export async function open(host, port) {
  const connection = new Redis({ host, port });
  // Lost connections are reported by the commands that were on them.
  connection.on("error", () => {});
  return redlockClient(connection, (...args) => connection.call(...args.map(String)));
}
