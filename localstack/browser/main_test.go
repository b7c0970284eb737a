package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// tools is where the tests put what they install and what they see, beside everything else that the
// project installs.
const tools = "../../.local"

// chromium is the one browser of all tests: each test opens a new tab with a new profile.
var chromium context.Context

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	path, err := findChromium()
	if err != nil {
		return 0, err
	}
	if err := installAxe(); err != nil {
		return 0, err
	}
	if err := os.MkdirAll(filepath.Join(tools, "screenshots"), 0o755); err != nil {
		return 0, err
	}
	profile, err := os.MkdirTemp("", "browser-tests-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(profile)

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox, // the tests may run as root, where Chromium has no sandbox
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.Env("LANGUAGE=en_US", "TZ=UTC"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	browser, closeBrowser := chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(browser); err != nil {
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	chromium = browser
	return m.Run(), nil
}

func findChromium() (string, error) {
	if path := os.Getenv("CHROME"); path != "" {
		return path, nil
	}
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf(
		"no Chromium found: apt-get install chromium, or name one with CHROME=/path/to/chrome",
	)
}

// installAxe brings axe-core, pinned by package-lock.json, into the tools' folder once.
func installAxe() error {
	folder := filepath.Join(tools, "axe")
	want, err := os.ReadFile("package-lock.json")
	if err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(folder, "installed"))
	if err == nil && string(have) == string(want) {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	if output, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf(
			"install axe-core with npm (on Debian: apt-get install npm): %w\n%s", err, output,
		)
	}
	return os.WriteFile(filepath.Join(folder, "installed"), want, 0o644)
}
