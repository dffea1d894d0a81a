//! What two browsers say to each other at the beginning of a call, as it was captured.

use duologue_core::wire::Candidate;
use duologue_sdp_library::captures::{self, Capture};
use duologue_signaling::compact::{Codec, Library};
use std::sync::Arc;

/// An offer with sound and picture, its answer, and the candidates of the one who offered, ten at most.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The offer.
    pub offer: String,
    /// Its answer.
    pub answer: String,
    /// In their order.
    pub candidates: Vec<Candidate>,
}

type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Of a Chromium.
///
/// # Errors
/// Where the project's captures cannot be read.
pub fn plain() -> Anything<Signals> {
    let captures: Vec<Capture> = captures::read(&duologue_sdp_library::data()).map_err(|error| error.to_string())?;
    let is_offer =
        |capture: &&Capture| capture.what == "offer" && capture.kind == "av" && capture.browser == "chromium" && !capture.is_gathered();
    let offer = captures.iter().find(is_offer).ok_or("an offer")?;
    let answer = captures.iter().find(|capture| capture.what == "answer" && capture.call == offer.call).ok_or("its answer")?;
    let is_of = |capture: &&Capture| capture.re.as_deref() == Some(&*offer.id) && capture.call == offer.call;
    let candidates = captures.iter().filter(is_of).filter_map(Capture::as_candidate).take(10).collect();
    let [offer, answer] = [offer, answer].map(|capture| capture.sdp.clone().unwrap_or_default());
    Ok(Signals { offer, answer, candidates })
}

/// The same compactly (SIG 5), by a library that was learned without them.
///
/// # Errors
/// Where the project's captures or the library cannot be read.
pub fn compact() -> Anything<Signals> {
    let library = std::fs::read_to_string(duologue_sdp_library::data().join("without-these-captures.txt"))?;
    let library = Arc::new(Library::read(&library).ok_or("a library")?);
    let (mut caller, mut callee) = (Codec::new(library.clone()), Codec::new(library));
    let plain = plain()?;
    let offer = caller.carry_description(&plain.offer);
    callee.open_description(&offer).map_err(|_| "it is read again")?;
    let answer = callee.carry_description(&plain.answer);
    let candidates = plain.candidates.iter().map(|candidate| caller.carry_candidate(candidate)).collect();
    Ok(Signals { offer, answer, candidates })
}
