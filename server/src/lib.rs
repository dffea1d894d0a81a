//! The duologue server.
