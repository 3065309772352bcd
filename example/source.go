package main

import (
	"bytes"
	"embed"
	"fmt"
	"regexp"
)

// forge is where the files of this repository can be read.
const forge = "https://github.com/gin-sessionkit/sessionkit/blob/main/"

// sources are the files with the handlers that the page links to.
//
//go:embed live.go api.go demo.go
var sources embed.FS

// handlerURL is the address of a function in one of the sources, by its line. A
// function that is not there is an error, so that no page is served with a link
// that leads to nothing.
func handlerURL(file, function string) (string, error) {
	text, err := sources.ReadFile(file)
	if err != nil {
		return "", err
	}
	head := regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + regexp.QuoteMeta(function) + `\(`).FindIndex(text)
	if head == nil {
		return "", fmt.Errorf("%s has no function %s", file, function)
	}
	line := 1 + bytes.Count(text[:head[0]], []byte("\n"))
	return fmt.Sprintf("%sexample/%s#L%d", forge, file, line), nil
}
