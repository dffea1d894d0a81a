//! Captures: a folder of `.jsonl` files, a line for each description and candidate, in the order in which they came. Fields:
//! `session`, `call`, `browser`, `version`, `kind` (of the exchange: `av`, `dc`, `ice-restart` …), `type` (`offer`, `answer`,
//! `candidate`, others are passed over); of a description `id`, `form` (`trickle`, or `gathered`: the same one with all its
//! candidates) and `sdp`; of a candidate `re` (the id of its description), `candidate`, `sdpMid`, `sdpMLineIndex`.

use duologue_core::wire::Candidate;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// One line of a capture.
#[derive(Clone, Debug, Deserialize)]
pub struct Capture {
    /// Of a description, in its file.
    pub id: String,
    /// The machine and run.
    pub session: String,
    /// The call, over all sessions.
    pub call: String,
    /// `chromium`, `firefox`, or the name of a library.
    pub browser: String,
    /// Its version.
    pub version: String,
    /// Which exchange.
    pub kind: String,
    /// `offer`, `answer`, `candidate`.
    #[serde(rename = "type")]
    pub what: String,
    /// `trickle` or `gathered`, of a description.
    pub form: Option<String>,
    /// The text of a description.
    pub sdp: Option<String>,
    /// The description that a candidate belongs to.
    pub re: Option<String>,
    /// The text of a candidate.
    pub candidate: Option<String>,
    /// Its `sdpMid`.
    #[serde(rename = "sdpMid")]
    pub mid: Option<String>,
    /// Its `sdpMLineIndex`.
    #[serde(rename = "sdpMLineIndex")]
    pub line: Option<u32>,
}

impl Capture {
    /// Its candidate, if it is one.
    pub fn as_candidate(&self) -> Option<Candidate> {
        let candidate = self.candidate.clone()?;
        Some(Candidate { candidate, mid: self.mid.clone(), line: self.line })
    }

    /// Browser and major version.
    pub fn maker(&self) -> String {
        format!("{} {}", self.browser, self.version.split('.').next().unwrap_or_default())
    }

    /// Whether it is a description with all its candidates.
    pub fn is_gathered(&self) -> bool {
        self.form.as_deref() == Some("gathered")
    }
}

/// Reads every `.jsonl` file of a folder, in the order of their names.
///
/// # Errors
/// As reading files has them; a line that is no capture is `InvalidData`.
pub fn read(folder: &Path) -> io::Result<Vec<Capture>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        for line in fs::read_to_string(&file)?.lines() {
            all.push(serde_json::from_str(line)?);
        }
    }
    Ok(all)
}

/// What one side of a call says.
#[derive(Clone, Debug)]
pub enum Said {
    /// A description.
    Description(Capture),
    /// A candidate.
    Candidate(Capture),
}

/// One call: who (0 or 1) said what, in order.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// What trickled.
    pub said: Vec<(usize, Said)>,
    /// The first descriptions once more, with their candidates.
    pub gathered: Vec<Capture>,
}

/// The calls of the captures.
pub fn calls(captures: &[Capture]) -> Vec<Call> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_call: BTreeMap<&str, Vec<&Capture>> = BTreeMap::new();
    for capture in captures {
        let of_call = by_call.entry(&capture.call).or_default();
        if of_call.is_empty() {
            order.push(&capture.call);
        }
        of_call.push(capture);
    }
    order.into_iter().map(|call| one_call(&by_call[call])).collect()
}

/// A side is known by the session id of its descriptions; who offers may change.
fn one_call(captures: &[&Capture]) -> Call {
    let mut call = Call::default();
    let mut sides: Vec<&str> = Vec::new();
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    let mut has_begun: BTreeSet<&str> = BTreeSet::new();
    for capture in captures {
        if let Some(sdp) = &capture.sdp {
            let session = sdp.split(' ').nth(1).unwrap_or_default();
            let side = sides.iter().position(|side| *side == session).unwrap_or_else(|| {
                sides.push(session);
                sides.len() - 1
            });
            owners.insert(&capture.id, side);
            if capture.is_gathered() {
                if has_begun.insert(&capture.what) {
                    call.gathered.push((*capture).clone());
                }
            } else {
                call.said.push((side, Said::Description((*capture).clone())));
            }
        } else if capture.candidate.is_some() {
            let side = capture.re.as_deref().and_then(|re| owners.get(re)).copied().unwrap_or_default();
            call.said.push((side, Said::Candidate((*capture).clone())));
        }
    }
    call
}
