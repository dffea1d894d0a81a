//! Offers, answers and candidates: relay, batching, limits and negotiation, without sockets.
