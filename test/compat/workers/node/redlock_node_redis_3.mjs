// node-redis 3, the version for which node-redlock 4 was written.

import { createClient } from "redis-3";
import { redlockClient } from "./redlock.mjs";

export async function open(host, port) {
  const client = createClient({ host, port });
  // Lost connections are reported by the commands that were on them.
  client.on("error", () => {});
  const command = (name, ...args) =>
    new Promise((resolve, reject) => {
      client.send_command(name, args.map(String), (error, reply) => (error ? reject(error) : resolve(reply)));
    });
  return redlockClient(client, command);
}
