package resp

// refusedRows are commands that clients and people know and that a lock service must not, or does not, carry out. They answer a sentence instead of
// "unknown command", so that whoever sends them learns what to do. Every other command is unknown, in Redis' words.
func refusedRows() []*row {
	sentences := []struct{ name, sentence string }{
		{"flushall", "FLUSHALL is refused: it would end every lock of every team at once; delete names with DEL"},
		{"flushdb", "FLUSHDB is refused: it would end every lock of the database at once; delete names with DEL"},
		{"rename", "RENAME is refused: it would bring an old fencing token onto a name; SET the new name and DEL the old one in a transaction"},
		{"renamenx", "RENAMENX is refused: it would bring an old fencing token onto a name; SET the new name and DEL the old one in a transaction"},
		{"copy", "COPY is refused: it would bring an old fencing token onto a name; SET the new name"},
		{"move", "MOVE is refused: it would bring an old fencing token onto a name; SET the name in the other database"},
		{"restore", "RESTORE is refused: it would bring an old fencing token onto a name; SET the name"},
		{"swapdb", "SWAPDB is refused: it would give every lock of two databases to other holders"},
		{"publish", "PUBLISH is refused: coordd does not deliver messages"},
		{"spublish", "SPUBLISH is refused: coordd does not deliver messages"},
	}
	var rows []*row
	for _, each := range sentences {
		rows = append(rows, &row{name: each.name, arity: -1, hidden: true, group: "refused", summary: each.sentence,
			handle: func(c *connection, _ [][]byte) { c.reply(errorf("%s", each.sentence)) }})
	}
	return rows
}
