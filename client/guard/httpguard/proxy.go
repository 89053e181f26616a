package httpguard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// DefaultTimeout is that of ProxyOptions.
const DefaultTimeout = 30 * time.Second

// ProxyOptions says how to reach what the proxy protects. The zero value of every field means its default.
type ProxyOptions struct {
	// Timeout bounds one request to the upstream, answer included. A request goes on to its end when its client has gone away: whether it is still at work decides when the next holder is let in.
	Timeout time.Duration

	// Transport reaches the upstream; the default is http.DefaultTransport.
	Transport http.RoundTripper
}

// NewProxy is a reverse proxy to an upstream, with a guard before it. The headers are passed on.
func NewProxy(upstream *url.URL, g *Guard, options ProxyOptions) (http.Handler, error) {
	if options.Timeout == 0 {
		options.Timeout = DefaultTimeout
	}
	if upstream == nil || upstream.Host == "" || upstream.Scheme != "http" && upstream.Scheme != "https" {
		return nil, fmt.Errorf("the upstream %v is not an address such as http://127.0.0.1:8080", upstream)
	}
	if options.Timeout < 0 {
		return nil, errors.New("Timeout must not be negative")
	}
	proxy := &httputil.ReverseProxy{
		Transport: options.Transport,
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(upstream)
			request.SetXForwarded()
		},
		ErrorHandler: func(writer http.ResponseWriter, _ *http.Request, err error) {
			problem(http.StatusBadGateway, "no-answer", "The upstream did not answer; whether it did what was asked is not known", err).write(writer)
		},
	}
	return g.Wrap(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), options.Timeout)
		defer cancel()
		proxy.ServeHTTP(writer, request.WithContext(ctx))
	})), nil
}
