package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/gin-sessionkit/sessionkit/bench/peers/servers"
)

// greeting precedes the address in a server's first line.
const greeting = "listening "

// process is a server that runs.
type process struct {
	servers.Server
	addr    string
	cookies string // the Cookie header of its GETs
	cmd     *exec.Cmd
	log     string
}

// start runs a server on the core that is set aside for servers.
func start(ctx context.Context, o options, s servers.Server, dsn *mysql.Config) (*process, error) {
	cmd, err := commandOf(ctx, o, s, dsn)
	if err != nil {
		return nil, err
	}
	p := &process{Server: s, cmd: cmd, log: filepath.Join(o.logs, s.Name+".log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server has its own descriptor
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	if err = cmd.Start(); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(stdout)
	line, err := reader.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), greeting)
	if !ok {
		p.stop()
		return nil, p.explain(fmt.Errorf("did not start: %w", err))
	}
	p.addr = addr
	// A pipe that nobody reads would one day stop whoever logs to it. It ends with the server.
	go io.Copy(io.Discard, reader) //nolint:errcheck // whatever it is
	return p, nil
}

// commandOf is taskset, which becomes the server, so that the process id is the server's.
func commandOf(ctx context.Context, o options, s servers.Server, dsn *mysql.Config) (*exec.Cmd, error) {
	program := []string{"node", filepath.Join(o.node, "server.js")}
	if s.Build != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = []string{self, "serve", s.Name}
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", strconv.Itoa(o.serverCore)}, program...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "NODE_ENV=production", dsnVariable+"="+dsn.FormatDSN())
	if s.Build == nil {
		host, port, _ := strings.Cut(dsn.Addr, ":")
		cmd.Env = append(cmd.Env, "DB_HOST="+host, "DB_PORT="+port, "DB_USER="+dsn.User,
			"DB_PASSWORD="+dsn.Passwd, "DB_NAME="+dsn.DBName,
			"DB_CONNECTIONS="+strconv.Itoa(servers.Connections), "REFRESH_PATH="+servers.RefreshPath)
	}
	return cmd, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.cmd.Wait()         // killed, as it says
}

// explain adds what the server wrote last.
func (p *process) explain(err error) error {
	if err == nil {
		return nil
	}
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %w\n%s", p.Name, err, text[max(0, len(text)-2000):])
}
