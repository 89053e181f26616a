package main

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/client/poolhttp"
)

// startProxy runs a proxy that sends each user to the backend that owns it.
func startProxy(router *client.Router) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.URL.Scheme, r.Out.URL.Host = "http", poolName // the transport puts the owner's address here
		},
		Transport: &poolhttp.Transport{Router: router, Key: userOf},
		ErrorLog:  log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			status := http.StatusBadGateway
			if errors.Is(err, client.ErrNoOwner) {
				status = http.StatusServiceUnavailable
			}
			http.Error(w, err.Error(), status)
		},
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), func() { _ = server.Close() }, nil
}

// userOf is the key of a request: the user, as a cookie would tell it.
func userOf(r *http.Request) (user string, ok bool) {
	user = r.Header.Get("User")
	return user, user != ""
}
