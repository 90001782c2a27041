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

static int configured(void) {
	int (*update)(void);
	int (*search)(void *, const char *, void **);
	void *found, **config = dlsym(RTLD_DEFAULT, "snd_config");
	*(void **)&update = dlsym(RTLD_DEFAULT, "snd_config_update");
	*(void **)&search = dlsym(RTLD_DEFAULT, "snd_config_search");
	if (update == NULL || search == NULL || config == NULL) return 1;
	return update() >= 0 && *config != NULL &&
		(search(*config, "pcm.default", &found) >= 0 || search(*config, "pcm.dmix", &found) >= 0);
}
*/
import "C"

// hush stops ALSA and JACK from writing to standard error: up to a hundred lines on a machine without a card,
// over whatever the terminal shows.
func hush() { C.hush() }

// configured tells whether ALSA, if PortAudio uses it, has a default device in its configuration. Without one, as in
// a container that lacks ALSA's files, PortAudio 19.6 fails an assertion and ends the process.
func configured() bool { return C.configured() != 0 }
