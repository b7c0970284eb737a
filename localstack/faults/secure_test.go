package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"orderpipeline/shared/redistest"
	"orderpipeline/shared/redistest/freeport"
)

const secretARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:redis"

// TestSecureConnections gives both functions TLS, users and passwords in every way.
func TestSecureConnections(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority := makeCertificates(t, folder)
	port, err := freeport.Find()
	if err != nil {
		t.Fatal(err)
	}
	tlsPort := strconv.Itoa(port)
	server := redistest.Start(
		t, "--aclfile", absolute(t, aclFile), "--tls-port", tlsPort, "--tls-cert-file",
		filepath.Join(folder, "server.pem"), "--tls-key-file", filepath.Join(folder, "server.key"),
		"--tls-ca-cert-file", authority, "--tls-auth-clients", "no",
	)
	for _, user := range []string{"orders", "stats"} {
		err := server.Client().Do(t.Context(), "acl", "setuser", user, ">"+password).Err()
		if err != nil {
			t.Fatal(err)
		}
	}
	// A client without a password is the default user, who in production is switched off. The test
	// still needs it.
	err = server.Client().Do(t.Context(), "acl", "setuser", "default", "resetkeys").Err()
	if err != nil {
		t.Fatal(err)
	}
	trust := "SSL_CERT_FILE=" + authority
	address := "@127.0.0.1:" + tlsPort + "/0"
	inURL := ":" + url.PathEscape(password)
	inEnvironment := []string{trust, "REDIS_PASSWORD=" + password}
	inSecret := []string{trust, "REDIS_SECRET_ARN=" + secretARN}
	inJSON := `{"password":"` + password + `"}`
	ownAuthority := []string{"REDIS_CA_PEM=" + contents(t, authority)}
	for name, c := range map[string]struct {
		scheme, userinfo string // userinfo follows the user's name
		env              []string
		works            bool
		secret           string // what the secret holds
	}{
		"password in the URL":           {"rediss://", inURL, []string{trust}, true, ""},
		"password in the environment":   {"rediss://", "", inEnvironment, true, ""},
		"environment overrides the URL": {"rediss://", ":wrong", inEnvironment, true, ""},
		"password in a secret":          {"rediss://", "", inSecret, true, password},
		"a newline after the secret":    {"rediss://", "", inSecret, true, password + "\n"},
		"a secret in JSON":              {"rediss://", "", inSecret, true, inJSON},
		"authority in the environment":  {"rediss://", inURL, ownAuthority, true, ""},
		"wrong password":                {"rediss://", ":wrong", []string{trust}, false, ""},
		"no password":                   {"rediss://", "", []string{trust}, false, ""},
		"an unknown authority":          {"rediss://", inURL, nil, false, ""},
		"no TLS":                        {"redis://", inURL, []string{trust}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := server.Client().FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			r := &rig{T: t, cloud: newCloud(t), shards: 1}
			secrets := httptest.NewServer(withSecret(r.Service, c.secret))
			defer secrets.Close()
			// The last of two settings counts.
			env := func(user string) []string {
				return append(
					r.env(c.scheme+user+c.userinfo+address),
					append(c.env, "AWS_ENDPOINT_URL="+secrets.URL)...)
			}
			r.orders.Send(
				`{"order_id":"ORD1","user_id":"U1","order_timestamp":"2024-05-01",` +
					`"items":[{"product_id":"P1","quantity":1,"price_per_unit":"0.01"}]}`,
			)
			r.deliver(&consumer{Sandbox: startOrders(t, env("orders")...)}, r.orders.Receive(1))
			status, body, err := startAPI(t, env("stats")...).get("/users/U1/stats")
			if err != nil {
				t.Fatal(err)
			}
			left, want := 1, http.StatusServiceUnavailable
			if c.works {
				left, want = 0, http.StatusOK
			}
			if status != want {
				t.Errorf("the stats function answers %d, want %d: %s", status, want, body)
			}
			if got := len(r.orders.Messages()); got != left {
				t.Errorf("%d messages are left in the queue, want %d", got, left)
			}
		})
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withSecret answers for Secrets Manager, and lets the queue service answer everything else.
func withSecret(next http.Handler, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
			next.ServeHTTP(w, r)
			return
		}
		var in struct{ SecretId string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.SecretId != secretARN {
			http.Error(w, `{"__type":"ResourceNotFoundException"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		answer := map[string]string{"ARN": secretARN, "SecretString": secret}
		_ = json.NewEncoder(w).Encode(answer) // a client that disconnected asks again
	})
}

// makeCertificates makes an authority and a server's certificate signed by it. It returns the path
// of the authority's certificate.
func makeCertificates(t *testing.T, folder string) string {
	t.Helper()
	now := time.Now()
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		}
	}
	key := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	sign := func(of, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, of, by, key.Public(), byKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		content := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	authority, authorityKey := template(1, "test authority"), key()
	authority.IsCA = true
	authority.BasicConstraintsValid = true
	authority.KeyUsage = x509.KeyUsageCertSign
	server, serverKey := template(2, "redis"), key()
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	write("server.pem", "CERTIFICATE", sign(server, authority, serverKey, authorityKey))
	der, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	write("server.key", "PRIVATE KEY", der)
	return write(
		"authority.pem", "CERTIFICATE", sign(authority, authority, authorityKey, authorityKey),
	)
}
