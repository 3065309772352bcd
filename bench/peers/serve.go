package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// dsnVariable hands the database over where no list of processes shows it.
const dsnVariable = "PEERS_DSN"

// serve runs one server until it is killed. Its first line on stdout is where it listens.
func serve(ctx context.Context, name string) error {
	s, ok := servers.Find(name)
	if !ok || s.Build == nil {
		return fmt.Errorf("no server %q", name)
	}
	handler, err := s.Build(ctx, os.Getenv(dsnVariable))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(greeting + listener.Addr().String())
	return http.Serve(listener, handler)
}
