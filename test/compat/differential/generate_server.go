package differential

// settings are those of CONFIG GET that a redis-server answers as coordd does, and what names none.
var settings = []string{"databases", "maxmemory", "MaxMemory", "maxmemory-policy", "cluster-enabled", "replica-read-only", "save", "nosuch", "nosuch*", "maxmemory-polic?", "", "[", "database[s]"}

// serverCommand makes the commands that ask a server about itself, as far as two servers can answer alike.
func (g *generator) serverCommand() Command {
	switch g.IntN(9) {
	case 8:
		return Command{Args: []string{g.pick("READONLY", "READWRITE")}}
	case 0, 1, 2:
		return g.wait()
	case 3:
		return Command{Args: []string{"ROLE"}, Mask: Integers}
	case 4:
		return Command{Args: []string{"CONFIG", "GET", g.pick(settings...)}}
	case 5:
		return Command{Args: []string{"CONFIG", g.pick("GET", "NOSUCH", "")}}
	case 6:
		return Command{Args: []string{"CLUSTER", g.pick("INFO", "SLOTS", "NODES", "MYID", "slots", "NOSUCH")}}
	default:
		return g.commandGetKeys()
	}
}

// wait makes WAIT that redis-server, which has no replicas, answers soon: it waits as long as it is told for a replica that never comes.
func (g *generator) wait() Command {
	replicas, timeout := g.pick("0", "0", "-1", "abc", "", "1.5", "9223372036854775808"), g.pick("0", "1", "100", "-1", "abc", "", "1.5", "9223372036854775807", "9223372036854775808")
	if g.chance(40) {
		replicas, timeout = g.pick("1", "2", "100"), g.pick("1", "5", "20", "-1", "abc")
	}
	args := []string{"WAIT", replicas, timeout}
	if g.chance(10) {
		args = args[:1+g.IntN(2)]
	}
	return Command{Args: args}
}

// commandGetKeys asks which arguments of a command are names.
func (g *generator) commandGetKeys() Command {
	asked := [][]string{
		{"GET", g.key()}, {"set", g.key(), g.value(), "NX"}, {"MSET", g.key(), "1", g.key(), "2"}, append([]string{"DEL"}, g.someKeys()...),
		{"PING"}, {"NOSUCH", "a"}, {"GET"}, {"EVAL", "return 1", "2", g.key(), g.key(), "x"}, {"EVAL", "return 1", "0", "x"}, {"EVAL", "return 1", "9", "x"},
		{"INCRBYFLOAT", g.key(), "1"}, {"SUBSTR", g.key(), "0", "1"},
	}
	return Command{Args: append([]string{"COMMAND", "GETKEYS"}, asked[g.IntN(len(asked))]...)}
}
