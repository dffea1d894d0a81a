//! The half of Duologue that faces the sockets: connections, links, relays; still without a socket.
