package notify

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// findDesktop gives what shows a note on this machine's desktop; nil where there is none, or where it stands in front of somebody
// else, because the person has come through SSH.
func findDesktop(env func(string) string, look func(string) (string, error)) func(context.Context, note) error {
	tool := toolOf(runtime.GOOS)
	if tool.name == "" || env("SSH_CONNECTION") != "" {
		return nil
	}
	if tool.bus && env("DBUS_SESSION_BUS_ADDRESS") == "" && env("WAYLAND_DISPLAY") == "" && env("DISPLAY") == "" {
		return nil
	}
	path, err := look(tool.name)
	if err != nil {
		return nil
	}
	return func(ctx context.Context, n note) error {
		args, env := tool.say(n)
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Env = append(os.Environ(), env...)
		return cmd.Run()
	}
}

// tool is a program that shows notifications. What others have written reaches it as arguments or in its environment, and
// never as a part of a shell's line or of a script.
type tool struct {
	name string
	bus  bool // it is of use only where a desktop runs, on the session's bus
	say  func(note) (args, env []string)
}

func toolOf(system string) tool {
	switch system {
	case "darwin":
		return tool{name: "osascript", say: appleScript}
	case "windows":
		return tool{name: "powershell.exe", say: toast}
	}
	return tool{name: "notify-send", bus: true, say: notifySend}
}

// notifySend: the body may hold markup (Desktop Notifications Specification 1.2), and notify-send reads a backslash in it as the
// beginning of an escape.
func notifySend(n note) (args, env []string) {
	body := strings.NewReplacer(`\`, `\\`, "&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(n.text)
	return []string{"--app-name=Parley", "--category=im.received", "--", n.who, body}, nil
}

func appleScript(n note) (args, env []string) {
	return []string{
		"-e", "on run argv",
		"-e", "display notification (item 2 of argv) with title (item 1 of argv)",
		"-e", "end run",
		"--", n.who, n.text,
	}, nil
}

// toast speaks under PowerShell's name: Windows shows toasts of programs that are installed only.
func toast(n note) (args, env []string) {
	const script = `
$ErrorActionPreference = 'Stop'
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$lines = $xml.GetElementsByTagName('text')
$null = $lines.Item(0).AppendChild($xml.CreateTextNode($env:PARLEY_NOTE_WHO))
$null = $lines.Item(1).AppendChild($xml.CreateTextNode($env:PARLEY_NOTE_TEXT))
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($app).Show([Windows.UI.Notifications.ToastNotification]::new($xml))`
	return []string{"-NoProfile", "-NonInteractive", "-Command", script}, []string{"PARLEY_NOTE_WHO=" + n.who, "PARLEY_NOTE_TEXT=" + n.text}
}
