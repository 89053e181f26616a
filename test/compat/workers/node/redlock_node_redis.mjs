// The current node-redis. node-redlock 4 wants evalsha and eval with a callback;
// node-redis has them under legacy(), in capitals.

import { createClient } from "redis";
import { redlockClient } from "./redlock.mjs";

export async function open(host, port) {
  const client = createClient({ socket: { host, port } });
  // Lost connections are reported by the commands that were on them.
  client.on("error", () => {});
  await client.connect();
  const legacy = client.legacy();
  const connection = {
    evalsha: (hash, args, callback) => legacy.EVALSHA(hash, args, returningNothing(callback)),
    eval: (args, callback) => legacy.EVAL(args, returningNothing(callback)),
  };
  return redlockClient(connection, (...args) => client.sendCommand(args.map(String)));
}

// returningNothing keeps the callback's own result from node-redis, which would
// take a rejected promise there for a failure of the command and call back again.
function returningNothing(callback) {
  return (error, reply) => {
    callback(error ?? null, reply);
  };
}
