// Package table sets small tables for a terminal: a header in capitals, columns two blanks apart, and colour only where it carries meaning.
package table
