//go:build unix

package doctor

import "syscall"

// What the system says of a packet or a connection, by its meaning.
var (
	refused     = []error{syscall.ECONNREFUSED}
	denied      = []error{syscall.EPERM, syscall.EACCES}
	unreachable = []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN}
)
