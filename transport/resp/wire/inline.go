package wire

// splitInline splits an inline command into arguments by Redis' rules: blanks separate; "double quotes" know \n \r \t \b \a \xHH and a backslash
// before any other byte; 'single quotes' know \' alone; a closing quote must be followed by a blank or the end. Arguments without quotes point into
// line, the others are copies.
func splitInline(arguments [][]byte, line []byte) ([][]byte, error) {
	for {
		for len(line) > 0 && isBlank(line[0]) {
			line = line[1:]
		}
		if len(line) == 0 {
			return arguments, nil
		}
		argument, rest, ok := takeInline(line)
		if !ok {
			return nil, protocolErrorf("unbalanced quotes in request")
		}
		arguments = append(arguments, argument)
		line = rest
	}
}

// takeInline takes one argument; it begins unquoted and may change into a quoted part anywhere, which then must end it.
func takeInline(line []byte) (argument, rest []byte, ok bool) {
	for i, b := range line {
		switch {
		case isBlank(b):
			return line[:i:i], line[i:], true
		case b == '"':
			return takeDoubleQuoted(append([]byte{}, line[:i]...), line[i+1:])
		case b == '\'':
			return takeSingleQuoted(append([]byte{}, line[:i]...), line[i+1:])
		}
	}
	return line[:len(line):len(line)], nil, true
}

func takeDoubleQuoted(argument, line []byte) (_, rest []byte, ok bool) {
	for i := 0; i < len(line); i++ {
		b := line[i]
		if b == '"' {
			return argument, line[i+1:], i+1 == len(line) || isBlank(line[i+1])
		}
		if b != '\\' || i+1 == len(line) {
			argument = append(argument, b)
			continue
		}
		if i+3 < len(line) && line[i+1] == 'x' && isHex(line[i+2]) && isHex(line[i+3]) {
			argument = append(argument, hexValue(line[i+2])<<4|hexValue(line[i+3]))
			i += 3
			continue
		}
		i++
		argument = append(argument, unescape(line[i]))
	}
	return nil, nil, false
}

func takeSingleQuoted(argument, line []byte) (_, rest []byte, ok bool) {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\'':
			return argument, line[i+1:], i+1 == len(line) || isBlank(line[i+1])
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '\'':
			argument = append(argument, '\'')
			i++
		default:
			argument = append(argument, line[i])
		}
	}
	return nil, nil, false
}

func unescape(b byte) byte {
	switch b {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'a':
		return '\a'
	}
	return b
}

func isBlank(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

func isHex(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' }

func hexValue(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}
