// Package forgery makes what whoever reaches an unencrypted gossip port can send, for the tests and the nemeses that show that gossip decides nothing.
package forgery
