// Command golang runs one Go lock client against one address and says on
// standard output, as JSON lines, what happened: in a scenario each check and
// how it went, in a campaign each time in which the client held a lock, and
// each error that reached it.
//
// The lock libraries are used as their documentation shows, with their default
// settings; nothing of them is changed or configured away. Beside them stands
// coordd's own client, for the campaign in which all contend for the same names.
package main
