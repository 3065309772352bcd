package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// Environment is where and how a run measured.
type Environment struct {
	Date         time.Time
	CPU, Kernel  string
	Cores        int
	LoadAverage  string // of the minute before
	Versions     []Version
	Rounds       int
	Each, Warmup time.Duration
	ServerCore   int
	LoadCore     int
	Database     string // settings that decide what a commit costs
}

// Version is that of one program or library.
type Version struct{ Name, Version string }

// Machine describes this one. What it does not tell stays empty.
func Machine() Environment {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	loads, _ := os.ReadFile("/proc/loadavg")
	minute, _, _ := strings.Cut(string(loads), " ")
	return Environment{
		Date: time.Now().UTC(), CPU: cpuModel(), Cores: cores(),
		Kernel:      runtime.GOOS + " " + strings.TrimSpace(string(kernel)),
		LoadAverage: minute,
		Versions:    []Version{{"Go", strings.TrimPrefix(runtime.Version(), "go")}},
	}
}

// cpuinfo lists the values of one key of /proc/cpuinfo.
func cpuinfo(key string) []string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	var values []string
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == key {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// cores counts those of the machine; this process has been confined to some.
func cores() int { return len(cpuinfo("processor")) }

// cpuModel adds numbers to names such as "AMD EPYC", which say little.
func cpuModel() string {
	model := cpuinfo("model name")
	if len(model) == 0 {
		return runtime.GOARCH
	}
	family, number := cpuinfo("cpu family"), cpuinfo("model")
	if len(family) == 0 || len(number) == 0 {
		return model[0]
	}
	return model[0] + " (family " + family[0] + ", model " + number[0] + ")"
}

// GoModules are the versions of what this program compares. The kit itself is
// part of this repository: revision stands for it.
func GoModules(revision string) []Version {
	versions := []Version{{"sessionkit", revision}}
	info, _ := debug.ReadBuildInfo()
	for _, name := range []string{
		"github.com/gin-gonic/gin", "gorm.io/gorm", "github.com/go-sql-driver/mysql",
		"github.com/appleboy/gin-jwt/v2", "github.com/gin-contrib/sessions",
		"github.com/alexedwards/scs/v2", "github.com/alexedwards/scs/mysqlstore",
	} {
		for _, dep := range info.Deps {
			if dep.Path == name {
				versions = append(versions, Version{strings.TrimPrefix(name, "github.com/"), dep.Version})
			}
		}
	}
	return versions
}

// NodePackages are the versions of the Node server's direct dependencies, as
// installed below folder.
func NodePackages(folder string) []Version {
	var versions []Version
	for _, name := range []string{"supertokens-node-mysql-ref-jwt", "express", "mysql"} {
		text, _ := os.ReadFile(filepath.Join(folder, "node_modules", name, "package.json"))
		var manifest struct{ Version string }
		if json.Unmarshal(text, &manifest) == nil {
			versions = append(versions, Version{"npm " + name, manifest.Version})
		}
	}
	return versions
}

// Lines are the environment for people, one fact a line.
func (e Environment) Lines() []string {
	var versions []string
	for _, v := range e.Versions {
		if v.Version != "" {
			versions = append(versions, v.Name+" "+v.Version)
		}
	}
	return []string{
		"Date: " + e.Date.Format("2006-01-02 15:04 UTC"),
		"Machine: " + e.CPU + ", " + strconv.Itoa(e.Cores) + " cores, " + e.Kernel + "; load average at the start " + e.LoadAverage,
		"Set-up: server alone on core " + strconv.Itoa(e.ServerCore) + "; load generator and MariaDB share core " + strconv.Itoa(e.LoadCore) + "; all on 127.0.0.1",
		"MariaDB: " + e.Database + "; 16 connections for every server that has some",
		"Load: 16 connections; " + strconv.Itoa(e.Rounds) + " interleaved rounds of " + e.Each.String() +
			" per server and load, after " + e.Warmup.String() + " to warm up",
		"Versions: " + strings.Join(versions, ", "),
	}
}
