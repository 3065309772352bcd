package gormstore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/gin-sessionkit/sessionkit/internal/testdb"
)

// The commands of MySQL's protocol that the driver sends.
const (
	comQuit        = 0x01
	comQuery       = 0x03
	comPing        = 0x0e
	comStmtPrepare = 0x16
	comStmtExecute = 0x17
	comStmtClose   = 0x19
)

var commandNames = map[byte]string{
	comQuit: "quit", comQuery: "query", comPing: "ping",
	comStmtPrepare: "prepare", comStmtExecute: "execute", comStmtClose: "close",
}

// relay stands between the driver and the real server, and speaks enough of the
// protocol to count commands and to behave like a server or a proxy that will not
// have prepared statements. What it is told holds for commands that come later.
type relay struct {
	server string

	mu   sync.Mutex
	seen []string
	// refuse returns the number of an error to answer with, or zero.
	refuse func(command byte) uint16
	// forget closes a statement at the server just before it is executed.
	forget bool
	// lose is how many answers to executed statements get lost with their
	// connections.
	lose int
	// held keeps statements from being prepared until it is closed.
	held chan struct{}
	// open is how many statements are prepared, limit how many may be, if not zero.
	open, limit int
}

// startRelay returns a relay in front of the server of dsn, and the DSN to it.
func startRelay(t *testing.T, dsn string) (*relay, string) {
	t.Helper()
	config, err := driver.ParseDSN(dsn)
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{server: config.Addr}
	require.Equal(t, "tcp", config.Net)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { r.serve(client) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		conns.Wait() // the pools have been closed before
	})
	config.Addr = listener.Addr().String()
	return r, config.FormatDSN()
}

// throughRelay opens an empty database through a relay.
func throughRelay(t *testing.T, params ...string) (*relay, *gorm.DB) {
	t.Helper()
	r, dsn := startRelay(t, testdb.MySQLDSN(t, params...))
	return r, reopenMySQL(t, dsn, func(c *driver.Config) { c.Logger = &driver.NopLogger{} })
}

// tell changes what the relay does.
func (r *relay) tell(change func(*relay)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// during returns the commands that act causes.
func (r *relay) during(act func()) []string {
	r.tell(func(r *relay) { r.seen = nil })
	act()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// count returns how often a command has come.
func (r *relay) count(command byte) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.seen {
		if name == commandNames[command] {
			n++
		}
	}
	return n
}

// allClosed waits until no statement is prepared at the server any more.
func (r *relay) allClosed(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.open == 0
	}, 10*time.Second, time.Millisecond)
}

// relayed is one connection.
type relayed struct {
	*relay
	client, server net.Conn
	open           int // statements prepared on it
	losing         bool
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	c := &relayed{relay: r, client: client, server: server}
	var answers sync.WaitGroup
	answers.Go(c.answers)
	c.commands()
	_ = server.Close() // the server takes what was sent before
	answers.Wait()
	r.tell(func(r *relay) { r.open -= c.open })
}

// answers passes on what the server says.
func (c *relayed) answers() {
	defer c.client.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.server.Read(buffer)
		c.mu.Lock()
		losing := c.losing
		c.mu.Unlock()
		if n == 0 || losing { // it has answered, so the statement is done
			return
		}
		if _, err := c.client.Write(buffer[:n]); err != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

// commands passes on what the client says. A packet with the number 0 begins a
// command; the others belong to the handshake.
func (c *relayed) commands() {
	for {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(c.client, packet); err != nil {
			return
		}
		length := int(packet[0]) | int(packet[1])<<8 | int(packet[2])<<16
		packet = append(packet, make([]byte, length)...)
		if _, err := io.ReadFull(c.client, packet[4:]); err != nil {
			return
		}
		if packet[3] == 0 && length > 0 {
			if number := c.command(packet[4:]); number != 0 {
				if _, err := c.client.Write(errPacket(number)); err != nil {
					return
				}
				continue
			}
		}
		if _, err := c.server.Write(packet); err != nil {
			return
		}
	}
}

// command does what the relay was told, and returns the error to answer with.
func (c *relayed) command(payload []byte) (number uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	command := payload[0]
	name, ok := commandNames[command]
	if !ok {
		name = fmt.Sprintf("command %#x", command)
	}
	c.seen = append(c.seen, name)
	if c.refuse != nil {
		if number := c.refuse(command); number != 0 {
			return number
		}
	}
	switch command {
	case comStmtPrepare:
		if held := c.held; held != nil {
			c.mu.Unlock()
			<-held
			c.mu.Lock()
		}
		if c.limit != 0 && c.relay.open >= c.limit {
			return 1461
		}
		c.open++
		c.relay.open++
	case comStmtClose:
		c.open--
		c.relay.open--
	case comStmtExecute:
		if c.forget {
			forgets := append([]byte{5, 0, 0, 0, comStmtClose}, payload[1:5]...)
			_, _ = c.server.Write(forgets)
		}
		if c.lose > 0 {
			c.lose--
			c.losing = true
		}
	}
	return 0
}

// errPacket is what a server answers with: the first packet after a command.
func errPacket(number uint16) []byte {
	payload := binary.LittleEndian.AppendUint16([]byte{0xff}, number)
	payload = append(payload, "#HY000refused by the relay"...)
	return append([]byte{byte(len(payload)), 0, 0, 1}, payload...)
}
