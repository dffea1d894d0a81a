//! Sketch.

/// Sketch.
pub struct Negotiation;
/// Sketch.
pub enum NegotiationInput {}
/// Sketch.
pub enum NegotiationOutput {}
