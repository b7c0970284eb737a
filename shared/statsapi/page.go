package statsapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/swaggest/swgui/v5/static"
)

//go:embed page
var files embed.FS

// pages registers what people look at, and the document that describes the API. Everything is
// rendered at its first request: a cold start pays for none of it.
func (a *API) pages(document *huma.OpenAPI) {
	dashboard := sync.OnceValue(renderDashboard)
	described := sync.OnceFunc(func() { describeProblems(document) })
	for pattern, render := range map[string]func() rendered{
		"GET /{$}":       dashboard,
		"GET /dashboard": dashboard,
		"GET /openapi.json": sync.OnceValue(func() rendered {
			described()
			return renderDocument(document.MarshalJSON)
		}),
		"GET /openapi-3.0.json": sync.OnceValue(func() rendered {
			described()
			return renderDocument(document.Downgrade)
		}),
		"GET /docs":          renderDocs,
		"GET /docs/docs.js":  file("docs.js", "text/javascript; charset=utf-8"),
		"GET /docs/docs.css": file("docs.css", "text/css; charset=utf-8"),
	} {
		a.page(pattern, func(w http.ResponseWriter, _ *http.Request) { render().write(w) })
	}
	a.page("GET /docs/{$}", func(w http.ResponseWriter, _ *http.Request) {
		// http.Redirect would make the location absolute, and lose the stage.
		w.Header().Set("Location", "../docs")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	a.page("GET /docs/swagger-ui-bundle.js", viewer("text/javascript; charset=utf-8"))
	a.page("GET /docs/swagger-ui.css", viewer("text/css; charset=utf-8"))
}

// page registers a page or a document.
func (a *API) page(pattern string, handle http.HandlerFunc) {
	a.mux.HandleFunc(pattern, withoutQuery(handle))
}

// A rendered page is ready to be written.
type rendered struct {
	contentType string
	policy      string // Content-Security-Policy
	body        []byte
}

func (p rendered) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", p.contentType)
	if p.policy != "" {
		header.Set("Content-Security-Policy", p.policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	}
	_, _ = w.Write(p.body) // the client disconnected
}

// renderDashboard makes one answer of the page, its style and its scripts: one invocation instead
// of several. The policy allows exactly these, by their hashes.
func renderDashboard() rendered {
	style := squeeze(read("dashboard.css"))
	var script []byte
	for _, name := range scripts {
		script = append(script, squeeze(read(name))...)
	}
	page := bytes.Replace(squeeze(read("dashboard.html")), []byte("/*style*/"), style, 1)
	page = bytes.Replace(page, []byte("/*script*/"), script, 1)
	return rendered{"text/html; charset=utf-8", policy(hash(style), hash(script), "data:"), page}
}

// scripts are one module, in this order.
var scripts = []string{
	"format.js", "range.js", "chart.js", "dashboard.js", "address.js", "customer.js", "panels.js",
}

// squeeze drops indentation and lines that are only a comment, a tenth of the page. No text of the
// page spans lines.
func squeeze(source []byte) []byte {
	squeezed := make([]byte, 0, len(source))
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		squeezed = append(append(squeezed, line...), '\n')
	}
	return squeezed
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func renderDocs() rendered {
	return rendered{
		"text/html; charset=utf-8", policy("'self'", "'self'", "'self' data:"), read("docs.html"),
	}
}

// policy is a Content-Security-Policy that allows these sources, and requests to the API.
func policy(style, script, image string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src " + style,
		"script-src " + script,
		"img-src " + image,
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

func file(name, contentType string) func() rendered {
	return func() rendered { return rendered{contentType, "", read(name)} }
}

func renderDocument(marshal func() ([]byte, error)) rendered {
	body, err := marshal()
	if err == nil {
		var indented bytes.Buffer
		err = json.Indent(&indented, body, "", "  ")
		body = indented.Bytes()
	}
	if err != nil {
		panic(err) // a mistake in the declarations: the tests would have found it
	}
	return rendered{"application/json", "", body}
}

func read(name string) []byte {
	content, err := files.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return content
}

// viewer serves a file of the embedded Swagger UI, which is kept compressed.
func viewer(contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/docs/")
		compressed, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			panic(err) // it is embedded
		}
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Cache-Control", "public, max-age=3600")
		header.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			header.Set("Content-Encoding", "gzip")
			_, _ = w.Write(compressed) // as in rendered.write
			return
		}
		plain, err := gzip.NewReader(bytes.NewReader(compressed))
		if err != nil {
			panic(err) // it is embedded
		}
		_, _ = io.Copy(w, plain)
	}
}
