package page

import (
	"net/http"

	"github.com/gin-sessionkit/sessionkit/errors"
)

// Answer is an error that is answered as pages want it.
type Answer struct {
	// Err has the class.
	Err error
	// Location is where people are sent. Without it they are shown a page.
	Location string
	// Keep has the browser repeat the request there, with its method and its body.
	Keep bool
	// ByHTMX has the script load it: an answer of a status in which it says so.
	ByHTMX bool
}

// Error is the text of the error.
func (a *Answer) Error() string { return a.Err.Error() }

// Unwrap finds the class.
func (a *Answer) Unwrap() error { return a.Err }

// Sends reports whether err is answered by sending the browser on.
func Sends(err error) bool {
	a, ok := errors.AsType[*Answer](err)
	return ok && a.Location != ""
}

// Redirect sends the browser to location. It must be a path of this origin.
func Redirect(w http.ResponseWriter, location string, keep bool) {
	h := w.Header()
	h.Del("Content-Length") // of what a handler meant to send
	h.Del("Content-Type")
	h["Location"] = []string{location}
	// RFC 9110, sections 15.4.4 and 15.4.8.
	status := http.StatusSeeOther
	if keep {
		status = http.StatusTemporaryRedirect
	}
	w.WriteHeader(status)
}

// Keeps reports whether a redirect has to keep the request's method.
func Keeps(r *http.Request) bool { return !asks(r.Method) }

// HTML is the page of a status, for those who have none of their own.
func HTML(status int) []byte {
	title, text := "Something went wrong", "Please try again later."
	switch {
	case status == http.StatusServiceUnavailable:
		title, text = "Not available just now", "Nothing is lost. Please try again in a moment."
	case status == http.StatusForbidden:
		title, text = "Not allowed", "Another site has asked for this page, or you may not see it. Nothing was changed."
	case status < http.StatusInternalServerError:
		title, text = "Not allowed", "You may not see this page."
	}
	return []byte("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">" +
		"<meta name=\"viewport\" content=\"width=device-width\"><title>" + title + "</title></head>\n" +
		"<body><h1>" + title + "</h1><p>" + text + "</p></body></html>\n")
}
