// Package crash kills holders in the middle of what they write. Worker processes take locks in turn and write two rows under each, in two transactions, as work has several steps in the world outside of one
// database. Every second one of them is killed between the two. The next holder must come soon, find what is half done, and repair it; and what a stopped worker writes late must be refused.
package crash
