// Package replyformat writes a reply of a Redis door for people, as redis-cli writes it; raw, for shell scripts; or as JSON, for programs.
package replyformat
