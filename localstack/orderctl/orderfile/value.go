package orderfile

import "bytes"

// isSpace marks the white space of JSON.
var isSpace = [256]bool{' ': true, '\t': true, '\r': true, '\n': true}

func skipSpace(text []byte, at int) int {
	for at < len(text) && isSpace[text[at]] {
		at++
	}
	return at
}

// structural marks the bytes that decide where a value ends.
var structural = [256]bool{'"': true, '{': true, '}': true, '[': true, ']': true}

// valueEnd returns where the JSON value ends that begins at at. It is not whole when the text ends
// first. Nothing but brackets and quotes is looked at, so a broken value has an end too. end == at
// when no value begins there.
func valueEnd(text []byte, at int) (end int, whole bool) {
	if at == len(text) {
		return at, false
	}
	switch text[at] {
	case '"':
		return stringEnd(text, at)
	case '{', '[':
		return bracketsEnd(text, at+1)
	}
	for end = at; end < len(text); end++ {
		switch c := text[end]; {
		case isSpace[c], structural[c], c == ',', c == ':':
			return end, true
		}
	}
	return end, false
}

// bracketsEnd returns the end of the array or object that is open at at.
func bracketsEnd(text []byte, at int) (end int, whole bool) {
	depth := 1
	for at < len(text) {
		c := text[at]
		if !structural[c] {
			at++
			continue
		}
		switch c {
		case '"':
			if at, whole = stringEnd(text, at); !whole {
				return at, false
			}
			continue
		case '{', '[':
			depth++
		default:
			if depth--; depth == 0 {
				return at + 1, true
			}
		}
		at++
	}
	return at, false
}

// stringEnd returns the end of the string whose quote is at at.
func stringEnd(text []byte, at int) (end int, whole bool) {
	for at++; at < len(text); {
		length := bytes.IndexByte(text[at:], '"')
		if length < 0 {
			return len(text), false
		}
		quote := at + length
		// The quote ends the string unless an odd number of backslashes precedes it.
		backslashes := 0
		for quote-1-backslashes >= at && text[quote-1-backslashes] == '\\' {
			backslashes++
		}
		if at = quote + 1; backslashes%2 == 0 {
			return at, true
		}
	}
	return len(text), false
}
