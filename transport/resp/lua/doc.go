// Package lua compiles the Lua text of a Redis script to a script.Program.
//
// The text is parsed once, at the door. What comes out has no comments, white space, quotes, local names or letter case of commands any more, so that all
// spellings of one script mean the same bytes. Whatever is outside the small language that the machine evaluates is refused here, before anything is
// proposed, with a sentence that names the construct and its line: closures, metatables, varargs, string patterns, modules of the standard
// library that reach outside the script, Redis commands that coordd does not have.
//
// Only the parser and the syntax tree of gopher-lua are used, not its interpreter.
package lua
