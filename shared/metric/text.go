package metric

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// ContentType is the media type of what WriteText writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// A sample is one entry of a Delta, its key taken apart.
type sample struct {
	suffix string // _bucket, _sum or empty
	labels string // as in the key, without the braces
	value  int64
}

// WriteText writes families in the Prometheus text format, version 0.0.4. A family without labels
// is written even when nothing was counted yet. Samples of other families, such as those that
// another version counted, are left out.
func WriteText(w io.Writer, samples Delta, families []Family) error {
	byFamily := map[string][]sample{}
	for key, value := range samples {
		name, labels, _ := strings.Cut(strings.TrimSuffix(key, "}"), "{")
		name, suffix := cutSuffix(name)
		byFamily[name] = append(byFamily[name], sample{suffix, labels, value})
	}
	var text []byte
	for _, f := range families {
		text = f.append(text, byFamily[f.Name()])
	}
	_, err := w.Write(text)
	return err
}

func cutSuffix(name string) (string, string) {
	for _, suffix := range []string{bucketSuffix, sumSuffix} {
		if base, found := strings.CutSuffix(name, suffix); found {
			return base, suffix
		}
	}
	return name, ""
}

func (c Counter) append(to []byte, samples []sample) []byte {
	return c.appendPlain(to, "counter", samples)
}

func (g Gauge) append(to []byte, samples []sample) []byte {
	return g.appendPlain(to, "gauge", samples)
}

func (f family) appendPlain(to []byte, kind string, samples []sample) []byte {
	if len(samples) == 0 && len(f.labels) == 0 {
		samples = []sample{{}}
	}
	if len(samples) == 0 {
		return to
	}
	to = f.appendHead(to, kind)
	slices.SortFunc(samples, func(a, b sample) int { return strings.Compare(a.labels, b.labels) })
	for _, s := range samples {
		to = f.appendSample(to, "", s.labels, decimal(s.value, f.scale))
	}
	return to
}

func (h Histogram) append(to []byte, samples []sample) []byte {
	les := make([]string, 0, len(h.bounds)+1)
	for _, bound := range h.bounds {
		les = append(les, decimal(bound, h.scale))
	}
	les = append(les, infinity)

	type series struct {
		buckets []int64 // one for each of les, not added up
		sum     int64
	}
	byLabels := map[string]*series{}
	at := func(labels string) *series {
		if byLabels[labels] == nil {
			byLabels[labels] = &series{buckets: make([]int64, len(les))}
		}
		return byLabels[labels]
	}
	if len(h.labels) == 0 {
		at("")
	}
	for _, s := range samples {
		if s.suffix == sumSuffix {
			at(s.labels).sum += s.value
			continue
		}
		labels, le := cutLe(s.labels)
		i := slices.Index(les, le)
		if i < 0 {
			i = len(les) - 1 // a bound of another version: still one observation
		}
		at(labels).buckets[i] += s.value
	}
	if len(byLabels) == 0 {
		return to
	}

	to = h.appendHead(to, "histogram")
	keys := make([]string, 0, len(byLabels))
	for labels := range byLabels {
		keys = append(keys, labels)
	}
	slices.Sort(keys)
	for _, labels := range keys {
		s, count, prefix := byLabels[labels], int64(0), labels
		if prefix != "" {
			prefix += ","
		}
		for i, le := range les {
			count += s.buckets[i]
			to = h.appendSample(to, bucketSuffix, prefix+`le="`+le+`"`, strconv.FormatInt(count, 10))
		}
		to = h.appendSample(to, sumSuffix, labels, decimal(s.sum, h.scale))
		to = h.appendSample(to, countSuffix, labels, strconv.FormatInt(count, 10))
	}
	return to
}

// cutLe takes the label le, which is always the last, off a bucket's labels.
func cutLe(labels string) (rest, le string) {
	i := strings.LastIndex(labels, `le="`)
	if i < 0 {
		return labels, ""
	}
	return strings.TrimSuffix(labels[:i], ","), strings.TrimSuffix(labels[i+len(`le="`):], `"`)
}

func (f family) appendHead(to []byte, kind string) []byte {
	to = append(to, "# HELP "+f.name+" "+f.help+"\n"...)
	return append(to, "# TYPE "+f.name+" "+kind+"\n"...)
}

func (f family) appendSample(to []byte, suffix, labels, value string) []byte {
	to = append(to, f.name...)
	to = append(to, suffix...)
	if labels != "" {
		to = append(to, '{')
		to = append(to, labels...)
		to = append(to, '}')
	}
	to = append(to, ' ')
	to = append(to, value...)
	return append(to, '\n')
}

// decimal writes v / 10^scale exactly, without zeros at the end of the fraction.
func decimal(v int64, scale int) string {
	text := strconv.FormatInt(v, 10)
	if scale == 0 {
		return text
	}
	sign := ""
	if v < 0 {
		sign, text = "-", text[1:]
	}
	if missing := scale + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	whole, fraction := text[:len(text)-scale], strings.TrimRight(text[len(text)-scale:], "0")
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}
