// Package rig is what the rooms for histories, faults and clusters share: an
// application that uses the kit, browsers that talk to it over HTTPS, a crowd
// of them that puts load on it, and the checker of what must hold afterwards.
package rig
