package devices

import (
	"strings"
	"unicode"
)

// client is what a user agent says of the program that sent it.
type client struct {
	Browser string `json:"browser"`
	OS      string `json:"os"`
	Kind    string `json:"kind"`
}

// The kinds of client.
const (
	desktop = "desktop"
	mobile  = "mobile"
	tablet  = "tablet"
	bot     = "bot"
	other   = "other"
)

// mark is a piece of user agents, and what it says.
type mark struct{ text, name string }

// browsers are looked for in this order: every browser but the first ones says that it
// is a later one of the list too.
var browsers = [...]mark{
	// Apps that show pages in them.
	{"FBAN/", "Facebook"},
	{"FBAV/", "Facebook"},
	{"Instagram ", "Instagram"},
	{"musical_ly", "TikTok"},
	{"BytedanceWebview/", "TikTok"},
	{"MicroMessenger/", "WeChat"},
	{" Line/", "LINE"},
	{"Snapchat/", "Snapchat"},
	{"LinkedInApp", "LinkedIn"},
	{"[Pinterest/", "Pinterest"},
	{" GSA/", "Google app"},
	{" Slack/", "Slack"},
	{" Electron/", "Electron"},

	{"Edg/", "Edge"},
	{"EdgA/", "Edge"},
	{"EdgiOS/", "Edge"},
	{"Edge/", "Edge"},
	{"Opera Mini/", "Opera Mini"},
	{"OPR/", "Opera"},
	{"OPT/", "Opera"},
	{"OPiOS/", "Opera"},
	{"Opera/", "Opera"},
	{"SamsungBrowser/", "Samsung Internet"},
	{"YaBrowser/", "Yandex"},
	{"UCBrowser/", "UC Browser"},
	{"HuaweiBrowser/", "Huawei Browser"},
	{"MiuiBrowser/", "Mi Browser"},
	{"MQQBrowser/", "QQ Browser"},
	{"Silk/", "Silk"},
	{"DuckDuckGo/", "DuckDuckGo"},
	{" Ddg/", "DuckDuckGo"},
	{"Vivaldi/", "Vivaldi"},
	{" Brave", "Brave"},
	{"Whale/", "Whale"},
	{"coc_coc_browser/", "Coc Coc"},
	{" Iron/", "Iron"},
	{"Maxthon/", "Maxthon"},
	{"Epiphany/", "Epiphany"},
	{"Falkon/", "Falkon"},
	{"Konqueror/", "Konqueror"},
	{"OculusBrowser/", "Oculus Browser"},
	{"NintendoBrowser/", "Nintendo Browser"},
	{" ArkWeb/", "ArkWeb"},
	{"HeadlessChrome/", "Headless Chrome"},
	{"PhantomJS/", "PhantomJS"},
	{"WindowsPowerShell/", "PowerShell"},
	{"Lynx/", "Lynx"},

	{" Focus/", "Firefox Focus"},
	{"SeaMonkey/", "SeaMonkey"},
	{"PaleMoon/", "Pale Moon"},
	{"Waterfox/", "Waterfox"},
	{"Thunderbird/", "Thunderbird"},
	{"FxiOS/", "Firefox"},
	{"Firefox/", "Firefox"},

	{"Trident/", "Internet Explorer"},
	{"MSIE ", "Internet Explorer"},
	{"CriOS/", "Chrome"},
	{"Chromium/", "Chromium"},
	{"; wv)", "WebView"},
	{"Chrome/", "Chrome"},
	{"(BB10", "BlackBerry"},
	{"BlackBerry", "BlackBerry"},
	{"Safari/", "Safari"},
	{"AppleWebKit/", "WebView"},
}

// systems are looked for in this order, for the same reason.
var systems = [...]mark{
	{"Xbox", "Xbox"},
	{"Windows Phone", "Windows Phone"},
	{"Windows", "Windows"},
	{"Tizen", "Tizen"},
	{"Web0S", "webOS"},
	{"PlayStation", "PlayStation"},
	{"Nintendo", "Nintendo"},
	{"KAIOS/", "KaiOS"},
	{"OpenHarmony", "HarmonyOS"},
	{"CrOS ", "ChromeOS"},
	{"Android", "Android"},
	{"; Adr ", "Android"},
	{"(iPad", "iPadOS"},
	{"(iPhone", "iOS"},
	{"(iPod", "iOS"},
	{"; iOS ", "iOS"},
	{"Macintosh", "macOS"},
	{"FreeBSD", "FreeBSD"},
	{"OpenBSD", "OpenBSD"},
	{"NetBSD", "NetBSD"},
	{"Linux", "Linux"},
	{"linux", "Linux"},
	{"(BB10", "BlackBerry"},
	{"BlackBerry", "BlackBerry"},
}

// maxUserAgent is how long a user agent is that a session has, in bytes.
const maxUserAgent = 255

// clientOf reads a user agent. There is no standard to go by: the field is a list of
// names that programs pretend to be, against the advice of RFC 9110, section 10.1.5. It
// takes microseconds, whatever the text is.
func clientOf(userAgent string) client {
	userAgent = userAgent[:min(len(userAgent), maxUserAgent)]
	var c client
	var known bool
	c.Browser, known = find(browsers[:], userAgent)
	c.OS, _ = find(systems[:], userAgent)
	crawler, isBot := botIn(userAgent)
	switch {
	case crawler != "":
		c.Browser = shortened(crawler)
	case !known:
		c.Browser = product(userAgent)
	case c.OS == "macOS" && has(userAgent, "CriOS/", "FxiOS/", "EdgiOS/"):
		c.OS = "iPadOS" // which says so by the name of its browser alone
	case c.OS == "Android" && c.Browser == "Safari":
		c.Browser = "Android Browser"
	}
	if c.Kind = bot; !isBot {
		c.Kind = c.kind(userAgent, known)
	}
	return c
}

func (c client) kind(userAgent string, known bool) string {
	switch {
	case c.Browser == "Headless Chrome", c.Browser == "PhantomJS":
		return bot
	case has(userAgent, "; AFT", "Android TV", "GoogleTV", "BRAVIA", "SMART-TV", "SmartTV", "CrKey/", "OculusBrowser/"):
		return other // a television, or a headset
	case c.OS == "Android" && has(userAgent, "Tablet", "tablet"):
		return tablet
	case c.OS == "Android" && strings.HasPrefix(userAgent, "Mozilla/") && !has(userAgent, "Mobile"):
		return tablet // Chrome and what is made of it say Mobile on telephones
	}
	switch c.OS {
	case "Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD", "NetBSD":
		return desktop
	case "iOS", "Android", "Windows Phone", "KaiOS", "HarmonyOS", "BlackBerry":
		return mobile
	case "iPadOS":
		return tablet
	}
	switch {
	case c.OS != "": // a console, a television
		return other
	case has(userAgent, "Mobile", "Opera Mini/", "MIDP"):
		return mobile
	case known:
		return desktop
	}
	return other
}

func find(marks []mark, userAgent string) (name string, found bool) {
	for i := range marks {
		if strings.Contains(userAgent, marks[i].text) {
			return marks[i].name, true
		}
	}
	return "", false
}

func has(userAgent string, texts ...string) bool {
	for _, text := range texts {
		if strings.Contains(userAgent, text) {
			return true
		}
	}
	return false
}

// product is the name that a program gives itself (RFC 9110, section 10.1.5), if it is
// one for people to read: no markup ever, and nothing that reads on without an end.
func product(userAgent string) string {
	name := userAgent
	if end := strings.IndexFunc(name, func(r rune) bool { return !isPartOfName(r) && !strings.ContainsRune(".+", r) }); end >= 0 {
		name = name[:end]
	}
	if name == "Mozilla" || !strings.ContainsFunc(name, unicode.IsLetter) {
		return "" // Mozilla is what everybody says
	}
	return shortened(name)
}

// shortened is the beginning of a name.
func shortened(name string) string {
	const longest = 40
	runes := 0
	for i := range name {
		if runes++; runes > longest {
			return name[:i]
		}
	}
	return name
}

func isPartOfName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_'
}

// botIn reports whether a crawler sent userAgent, and its name, if it has one.
func botIn(userAgent string) (name string, found bool) {
	for word := range strings.FieldsFuncSeq(userAgent, func(r rune) bool { return !isPartOfName(r) }) {
		base, _, _ := strings.Cut(word, "-") // Slackbot-LinkExpanding
		switch {
		case strings.EqualFold(base, "cubot"): // a maker of telephones
		case strings.EqualFold(base, "bot"): // of an address, such as /bot.html
			return "", true
		case endsWith(base, "bot"), endsWith(base, "spider"), endsWith(base, "crawler"),
			strings.EqualFold(base, "slurp"), strings.EqualFold(base, "facebookexternalhit"):
			return base, true
		}
	}
	return "", false
}

// endsWith has the letters of ending in lower case, and text in any.
func endsWith(text, ending string) bool {
	return len(text) >= len(ending) && strings.EqualFold(text[len(text)-len(ending):], ending)
}
