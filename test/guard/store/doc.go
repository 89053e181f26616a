// Package store is the resource in PostgreSQL that holders write, with a guard or without one, and the history by which they are judged afterwards.
package store
