package main

import (
	"strings"

	"emodrop/shared/words"
)

// languageOf is the language to talk in: as --lang says, else as the surroundings
// do, by the first of the usual variables that is set. ok is whether --lang is known.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html#tag_08_02
func languageOf(args []string, env func(string) string) (lang words.Lang, ok bool) {
	v, given := valueOf(args, "--lang")
	for _, l := range words.Languages() {
		if given && v == string(l) {
			return l, true
		}
	}
	ok = !given
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := env(name); v != "" {
			if l := strings.ToLower(v); l == "zh" || strings.HasPrefix(l, "zh_") || strings.HasPrefix(l, "zh-") || strings.HasPrefix(l, "zh.") {
				return words.Chinese, ok
			}
			return words.English, ok
		}
	}
	return words.English, ok
}

// valueOf finds a flag's value before the flags are read: how errors are told is
// known before there can be one.
func valueOf(args []string, flag string) (value string, given bool) {
	for i, a := range args {
		switch v, joined := strings.CutPrefix(a, flag+"="); {
		case a == "--":
			return value, given
		case joined:
			value, given = v, true
		case a == flag:
			value, given = "", true
			if i+1 < len(args) {
				value = args[i+1]
			}
		}
	}
	return value, given
}
