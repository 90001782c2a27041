//go:build cgo

package audio

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static void hush_alsa(const char *file, int line, const char *function, int err, const char *fmt, ...) {}
static void hush_jack(const char *message) {}

// The libraries come with PortAudio, if it was built with them; so they are looked up, not linked.
static void hush(void) {
	int (*alsa)(void (*)(const char *, int, const char *, int, const char *, ...));
	void (*jack)(void (*)(const char *));
	*(void **)&alsa = dlsym(RTLD_DEFAULT, "snd_lib_error_set_handler");
	if (alsa != NULL) alsa(hush_alsa);
	*(void **)&jack = dlsym(RTLD_DEFAULT, "jack_set_error_function");
	if (jack != NULL) jack(hush_jack);
	*(void **)&jack = dlsym(RTLD_DEFAULT, "jack_set_info_function");
	if (jack != NULL) jack(hush_jack);
}
*/
import "C"

// hush stops ALSA and JACK from writing to standard error: up to a hundred lines on a machine without a card,
// over whatever the terminal shows.
func hush() { C.hush() }
