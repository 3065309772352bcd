package main

import (
	"context"
	"fmt"
	"net"
)

// listen takes the port. Port 8080 is taken on many machines, so an error says
// which flag helps.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another port with -addr, "+
			"as in -addr 127.0.0.1:8081, or 0 for any that is free", err)
	}
	return listener, nil
}
