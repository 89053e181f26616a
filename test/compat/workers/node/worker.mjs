// Runs one Node lock client against one address.
//
// Says on standard output, as JSON lines, what happened: in a scenario each
// check and how it went, in a campaign each time in which the client held a
// lock, and each error that reached it. The lines are those of the Go and
// Python programs beside this one.

import { parseArgs } from "node:util";
import { Campaign } from "./campaign.mjs";
import { Scenario } from "./scenario.mjs";

const modules = {
  "redlock-ioredis": "./redlock_ioredis.mjs",
  "redlock-node-redis": "./redlock_node_redis.mjs",
  "redlock-node-redis-3": "./redlock_node_redis_3.mjs",
  "idiom-backoff": "./idiom_backoff.mjs",
};

const { values: options } = parseArgs({
  options: {
    client: { type: "string" },
    address: { type: "string" },
    mode: { type: "string", default: "scenario" },
    names: { type: "string" },
    "duration-ms": { type: "string", default: "10000" },
    "ttl-ms": { type: "string", default: "3000" },
    loops: { type: "string", default: "2" },
    "no-fence": { type: "boolean", default: false },
  },
});

const separator = options.address?.lastIndexOf(":") ?? -1;
if (!(options.client in modules) || separator < 0 || !options.names) {
  console.error(`needs --address HOST:PORT, --names A,B and --client, one of ${Object.keys(modules).join(", ")}`);
  process.exit(2);
}
const host = options.address.slice(0, separator);
const port = Number(options.address.slice(separator + 1));
const names = options.names.split(",");
const fence = !options["no-fence"];
const { open } = await import(modules[options.client]);

let good = true;
if (options.mode === "campaign") {
  const client = await open(host, port);
  const until = Date.now() + Number(options["duration-ms"]);
  await new Campaign(client, names, Number(options["ttl-ms"]), fence, until).run(Number(options.loops));
} else {
  good = await new Scenario(await open(host, port), await open(host, port), names[0], fence).run();
}
process.exit(good ? 0 : 1);
