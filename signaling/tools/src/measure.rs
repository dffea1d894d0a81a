//! How many bytes calls cost: each is said through two codecs and read again, and every text must come back as it was.

use crate::captures::{Call, Capture, Said};
use duologue_signaling::compact::{Codec, Library};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A kind of message that has a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The first offer of a call with sound and picture.
    FirstOffer,
    /// Its answer.
    FirstAnswer,
    /// The first offer or answer of a call with a data channel only.
    DataChannel,
    /// A later offer of a call, without new names.
    ReOffer,
    /// Its answer.
    ReAnswer,
    /// An offer or answer that restarts ICE.
    IceRestart,
    /// The first offer with all candidates inside.
    Gathered,
    /// The first candidate of a side.
    OneCandidate,
    /// The first ten of a side.
    TenCandidates,
}

impl Kind {
    /// All, in the order of the table.
    pub const ALL: [Kind; 9] = [
        Kind::FirstOffer,
        Kind::FirstAnswer,
        Kind::DataChannel,
        Kind::ReOffer,
        Kind::ReAnswer,
        Kind::IceRestart,
        Kind::Gathered,
        Kind::OneCandidate,
        Kind::TenCandidates,
    ];

    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::FirstOffer => "first offer, sound and picture",
            Kind::FirstAnswer => "first answer",
            Kind::DataChannel => "data channel only",
            Kind::ReOffer => "later offer of a call",
            Kind::ReAnswer => "later answer",
            Kind::IceRestart => "ICE restart",
            Kind::Gathered => "first offer with all candidates",
            Kind::OneCandidate => "one candidate",
            Kind::TenCandidates => "ten candidates",
        }
    }

    /// Bytes that its median may have; and that of a browser that the library has not seen, where there is a target.
    pub fn target(self) -> (usize, Option<usize>) {
        match self {
            Kind::FirstOffer | Kind::FirstAnswer => (140, Some(160)),
            Kind::DataChannel => (66, None),
            Kind::ReOffer | Kind::ReAnswer | Kind::IceRestart => (30, Some(50)),
            Kind::Gathered => (430, None),
            Kind::OneCandidate => (16, None),
            Kind::TenCandidates => (120, None),
        }
    }

    fn of(capture: &Capture, is_first: bool) -> Option<Kind> {
        let is_offer = capture.what == "offer";
        match capture.kind.as_str() {
            "ice-restart" => Some(Kind::IceRestart),
            _ if !is_first => Some(if is_offer { Kind::ReOffer } else { Kind::ReAnswer }),
            "dc" => Some(Kind::DataChannel),
            "audio" | "video" | "recvonly" => None,
            _ if is_offer => Some(Kind::FirstOffer),
            _ => Some(Kind::FirstAnswer),
        }
    }
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// As it is; of candidates, as JSON.
    pub raw: usize,
    /// Deflated.
    pub deflated: usize,
    /// As [`Codec`] writes it.
    pub ours: usize,
}

/// Who made it, which kind, how many bytes.
pub type Sizes = Vec<(String, Kind, Size)>;

/// Says calls, and measures.
///
/// # Panics
/// Where a text does not come back as it was.
pub fn measure(library: &Arc<Library>, calls: &[Call]) -> Sizes {
    let mut sizes = Vec::new();
    for call in calls {
        say(library, call, &mut sizes);
        for capture in &call.gathered {
            let text = capture.sdp.as_deref().unwrap_or_default();
            let bytes = Codec::new(library.clone()).write_description(text).expect("captures are short");
            assert_eq!(Codec::new(library.clone()).read_description(&bytes).as_deref(), Ok(text));
            if Kind::of(capture, true) == Some(Kind::FirstOffer) {
                sizes.push((capture.maker(), Kind::Gathered, size(text, bytes.len())));
            }
        }
    }
    sizes
}

fn say(library: &Arc<Library>, call: &Call, sizes: &mut Sizes) {
    let mut ends = [Codec::new(library.clone()), Codec::new(library.clone())];
    let mut described = [false; 2];
    let mut trickled: [Vec<(String, usize)>; 2] = [Vec::new(), Vec::new()];
    for (side, said) in &call.said {
        let (side, other) = (*side, 1 - *side);
        match said {
            Said::Description(capture) => {
                let text = capture.sdp.as_deref().unwrap_or_default();
                let bytes = ends[side].write_description(text).expect("captures are short");
                assert_eq!(ends[other].read_description(&bytes).as_deref(), Ok(text));
                if let Some(kind) = Kind::of(capture, !described[side]) {
                    sizes.push((capture.maker(), kind, size(text, bytes.len())));
                }
                described[side] = true;
                trickled[side].clear();
            }
            Said::Candidate(capture) => {
                let Some(candidate) = capture.as_candidate() else { continue };
                let bytes = ends[side].write_candidate(&candidate).expect("captures are short");
                assert_eq!(ends[other].read_candidate(&bytes), Ok(candidate.clone()));
                let json = serde_json::json!({"candidate": candidate.candidate, "mid": candidate.mid, "line": candidate.line});
                trickled[side].push((json.to_string(), bytes.len()));
                let kind = match trickled[side].len() {
                    1 => Kind::OneCandidate,
                    10 => Kind::TenCandidates,
                    _ => continue,
                };
                let all: Vec<&str> = trickled[side].iter().map(|(json, _)| json.as_str()).collect();
                let ours = trickled[side].iter().map(|(_, ours)| ours).sum();
                sizes.push((capture.maker(), kind, size(&format!("[{}]", all.join(",")), ours)));
            }
        }
    }
}

fn size(text: &str, ours: usize) -> Size {
    Size { raw: text.len(), deflated: miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6).len(), ours }
}

/// The middle one, upwards of an even number.
pub fn median(mut all: Vec<usize>) -> usize {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Medians by maker and kind; the empty maker is all of them.
pub fn medians(sizes: &Sizes) -> BTreeMap<(String, Kind), (usize, Size)> {
    let mut by: BTreeMap<(String, Kind), Vec<Size>> = BTreeMap::new();
    for (maker, kind, size) in sizes {
        by.entry((maker.clone(), *kind)).or_default().push(*size);
        by.entry((String::new(), *kind)).or_default().push(*size);
    }
    let of = |all: &[Size], field: fn(&Size) -> usize| median(all.iter().map(field).collect());
    by.into_iter()
        .map(|(key, all)| {
            let size = Size { raw: of(&all, |size| size.raw), deflated: of(&all, |size| size.deflated), ours: of(&all, |size| size.ours) };
            (key, (all.len(), size))
        })
        .collect()
}

/// Learns a library from captures.
pub fn learn(version: u32, captures: &[&Capture], most: usize) -> Library {
    let descriptions: Vec<&str> = captures.iter().filter_map(|capture| capture.sdp.as_deref()).collect();
    let candidates: Vec<&str> = captures.iter().filter_map(|capture| capture.candidate.as_deref()).collect();
    Library::learn(version, &descriptions, &candidates, most)
}
