package doctor

import "golang.org/x/sys/windows"

// What the system says of a packet or a connection, by its meaning.
var (
	refused     = []error{windows.WSAECONNREFUSED}
	denied      = []error{windows.WSAEACCES}
	unreachable = []error{windows.WSAEHOSTUNREACH, windows.WSAENETUNREACH, windows.WSAEHOSTDOWN}
)
