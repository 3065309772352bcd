// Package verifiers has verifiers that are not ours read our access tokens by our JWK
// Set, and refuse what they must: jose, PyJWT, ruby-jwt and keyfunc.
// scripts/verifiers.sh installs them.
package verifiers
