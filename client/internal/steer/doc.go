// Package steer lets package clienttest move the time of clients by hand and take their sessions away. Programs cannot import it.
package steer
