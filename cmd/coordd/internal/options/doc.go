// Package options is the layer of flags, environment and config file that every subcommand of coordd uses.
//
// A subcommand declares its flags once, on a [Set], as it would on a flag.FlagSet. [Set.Parse] then fills them from three places; a flag wins over
// the environment, the environment over the config file, the file over the default. The three share one syntax and one validation: the value of
// --redis-addr, of COORDD_REDIS_ADDR and of redis-addr in the file go through the same flag.Value, and a refusal names the place the value came from.
//
// The file is TOML, because settings need comments beside them, which JSON has not, and a flat list of them needs nothing of YAML's grammar.
package options
