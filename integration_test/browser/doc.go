// Package browser drives front ends in Chromium against the kit: every
// generation of supertokens-website that npm has, unmodified, with its tokens in
// cookies and in headers, on the API's own origin and across origins.
//
//	make e2e
//	make e2e ARGS='-run TestFrontEnds/20.1.6/header -v'
//
// Its tests need Chromium, Node.js and npm, and so have the build tag e2e.
// scripts/e2e.sh installs and bundles what they need.
package browser
