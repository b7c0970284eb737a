//go:build image

package main

// A scratch image has no certificates. The roots of Mozilla are used only where the system has
// none: SSL_CERT_FILE and a mounted /etc/ssl come first.
import _ "golang.org/x/crypto/x509roots/fallback"
