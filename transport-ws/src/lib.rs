//! The WebSocket carrier.
