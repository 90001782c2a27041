package identity

import "parley.lan/room"

// NodeID is room.NodeID, named here for packages that know nobody but this one.
type NodeID = room.NodeID
