//! What both ends know beforehand: templates of lines, skeletons (which lines follow each other in a whole description), templates
//! of candidates, and the priorities that candidates have. It is learned from captured descriptions by the tool beside this crate
//! and committed as text. Two ends understand each other only with the same one, so it has a version.

use super::description::END_OF_CANDIDATES;
use super::line::{PAYLOAD, Role, Said, VALUE};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What both ends know beforehand.
#[derive(Clone, Debug)]
pub struct Library {
    version: u32,
    lines: Vec<String>,
    skeletons: Vec<Vec<u16>>,
    candidates: Vec<String>,
    priorities: Vec<String>,
    // Derived.
    ids: BTreeMap<String, u16>,
    /// What follows a line anywhere, with the first place where it does, in the order of the skeletons.
    follows: Vec<Vec<(u16, Place)>>,
    /// Where a line stands first.
    first: Vec<Place>,
    text: Vec<u8>,
    /// The last place in `text` behind three bytes.
    behind: BTreeMap<[u8; 3], usize>,
}

/// A skeleton and a line of it.
pub(crate) type Place = (u16, u16);

/// How marks are written in the file, where control characters would be in the way.
const WRITTEN: [(char, char); 2] = [(VALUE, '«'), (PAYLOAD, '»')];

impl Library {
    /// The one that this version of the program speaks.
    pub fn built_in() -> Library {
        Library::read(include_str!("library.txt")).expect("the committed library is well formed")
    }

    /// Reads one, as [`Library::write`] has written it; `None` if it is not well formed.
    pub fn read(text: &str) -> Option<Library> {
        let mut all = text.lines();
        let version = all.next()?.strip_prefix("duologue sdp library ")?.parse().ok()?;
        let mut part = |name: &str| -> Option<Vec<&str>> {
            let count = all.next()?.strip_prefix(name)?.trim().parse().ok()?;
            let lines: Vec<&str> = all.by_ref().take(count).collect();
            (lines.len() == count).then_some(lines)
        };
        let templates = |lines: Vec<&str>| -> Vec<String> {
            lines
                .into_iter()
                .map(|line| WRITTEN.iter().fold(line.to_owned(), |line, (mark, sign)| line.replace(*sign, &mark.to_string())))
                .collect()
        };
        let lines = templates(part("lines")?);
        let skeletons: Option<Vec<Vec<u16>>> = part("skeletons")?.into_iter().map(|line| runs(line, lines.len())).collect();
        let candidates = templates(part("candidates")?);
        let priorities = part("priorities")?.into_iter().map(String::from).collect();
        Some(Library::new(version, lines, skeletons?, candidates, priorities))
    }

    /// As text, to be kept in a file.
    pub fn write(&self) -> String {
        let mut out = format!("duologue sdp library {}\n", self.version);
        let mut part = |name: &str, lines: &mut dyn Iterator<Item = String>| {
            let lines: Vec<String> = lines.collect();
            out.push_str(&format!("{name} {}\n", lines.len()));
            for line in lines {
                out.push_str(&line);
                out.push('\n');
            }
        };
        let written = |line: &String| WRITTEN.iter().fold(line.clone(), |line, (mark, sign)| line.replace(*mark, &sign.to_string()));
        part("lines", &mut self.lines.iter().map(written));
        part("skeletons", &mut self.skeletons.iter().map(|skeleton| as_runs(skeleton)));
        part("candidates", &mut self.candidates.iter().map(written));
        part("priorities", &mut self.priorities.iter().cloned());
        out
    }

    /// Learns one from descriptions and candidates: at most `most` skeletons, those first that most descriptions have.
    pub fn learn(version: u32, descriptions: &[&str], candidates: &[&str], most: usize) -> Library {
        let mut seen: BTreeMap<Vec<String>, (usize, usize)> = BTreeMap::new();
        let mut priorities: BTreeMap<String, usize> = BTreeMap::new();
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (order, text) in descriptions.iter().enumerate() {
            let Some(text) = text.strip_suffix("\r\n").filter(|_| is_plain(text)) else { continue };
            let mut said = Said::default();
            let mut skeleton: Vec<String> = Vec::new();
            for line in text.split("\r\n") {
                let is_candidate = line.starts_with("a=candidate:");
                let (template, values) = said.split(if is_candidate { &line[2..] } else { line });
                for value in values.into_iter().filter(|value| value.role == Role::Priority) {
                    *priorities.entry(value.text).or_default() += 1;
                }
                if is_candidate {
                    *kinds.entry(template).or_default() += 1;
                } else if line != END_OF_CANDIDATES {
                    skeleton.push(template);
                }
            }
            seen.entry(skeleton).or_insert((0, order)).0 += 1;
        }
        for text in candidates.iter().filter(|text| is_plain(text) && !text.is_empty()) {
            let mut said = Said::default();
            // As after a description: its name is known.
            if let Some(ufrag) = text.split(" ufrag ").nth(1).and_then(|rest| rest.split(' ').next()) {
                said.split(&format!("a=ice-ufrag:{ufrag}"));
            }
            let (template, values) = said.split(text);
            for value in values.into_iter().filter(|value| value.role == Role::Priority) {
                *priorities.entry(value.text).or_default() += 1;
            }
            *kinds.entry(template).or_default() += 1;
        }
        let mut skeletons: Vec<(Vec<String>, (usize, usize))> = seen.into_iter().collect();
        skeletons.sort_by_key(|(_, (count, order))| (usize::MAX - count, *order));
        skeletons.truncate(most);
        let (mut lines, mut ids): (Vec<String>, BTreeMap<String, u16>) = (Vec::new(), BTreeMap::new());
        let skeletons = skeletons
            .into_iter()
            .map(|(skeleton, _)| {
                let mut id = |line: String| {
                    *ids.entry(line).or_insert_with_key(|line| {
                        lines.push(line.clone());
                        (lines.len() - 1) as u16
                    })
                };
                skeleton.into_iter().map(&mut id).collect()
            })
            .collect();
        Library::new(version, lines, skeletons, by_count(kinds, 128), by_count(priorities, 128))
    }

    fn new(version: u32, lines: Vec<String>, skeletons: Vec<Vec<u16>>, candidates: Vec<String>, priorities: Vec<String>) -> Library {
        let ids = lines.iter().enumerate().map(|(id, line)| (line.clone(), id as u16)).collect();
        let mut follows = alloc::vec![Vec::new(); lines.len()];
        let mut first = alloc::vec![None; lines.len()];
        for (number, skeleton) in skeletons.iter().enumerate() {
            for (at, line) in skeleton.iter().enumerate() {
                let place = (number as u16, at as u16);
                first[*line as usize].get_or_insert(place);
                if at > 0 {
                    let follow: &mut Vec<(u16, Place)> = &mut follows[skeleton[at - 1] as usize];
                    if !follow.iter().any(|(next, _)| next == line) {
                        follow.push((*line, place));
                    }
                }
            }
        }
        let first = first.into_iter().map(Option::unwrap_or_default).collect();
        let text: Vec<u8> = lines.iter().chain(&candidates).flat_map(|line| line.bytes().chain([b'\n'])).collect();
        let behind = text.windows(3).enumerate().map(|(at, three)| ([three[0], three[1], three[2]], at + 3)).collect();
        Library { version, lines, skeletons, candidates, priorities, ids, follows, first, text, behind }
    }

    /// What `hello.sdp` says of it.
    pub fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(crate) fn id(&self, line: &str) -> Option<u16> {
        self.ids.get(line).copied()
    }

    pub(crate) fn skeletons(&self) -> &[Vec<u16>] {
        &self.skeletons
    }

    pub(crate) fn candidates(&self) -> &[String] {
        &self.candidates
    }

    pub(crate) fn priorities(&self) -> &[String] {
        &self.priorities
    }

    pub(crate) fn follows(&self, line: &str) -> &[(u16, Place)] {
        self.id(line).map_or(&[], |id| &self.follows[id as usize])
    }

    pub(crate) fn first(&self, id: u16) -> Place {
        self.first[id as usize]
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn behind(&self, three: [u8; 3]) -> Option<usize> {
        self.behind.get(&three).copied()
    }
}

/// Whether a text can be told in templates: none of their marks, and nothing that ends a line in between.
fn is_plain(text: &str) -> bool {
    !text.contains([VALUE, PAYLOAD, '«', '»'])
}

fn by_count(counts: BTreeMap<String, usize>, most: usize) -> Vec<String> {
    let mut all: Vec<(String, usize)> = counts.into_iter().collect();
    all.sort_by_key(|(_, count)| usize::MAX - count);
    all.truncate(most);
    all.into_iter().map(|(text, _)| text).collect()
}

fn as_runs(ids: &[u16]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < ids.len() {
        let more = ids[at..].windows(2).take_while(|two| two[1] == two[0] + 1).count();
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&ids[at].to_string());
        if more > 0 {
            out.push_str(&format!("-{}", ids[at + more]));
        }
        at += more + 1;
    }
    out
}

fn runs(text: &str, below: usize) -> Option<Vec<u16>> {
    let mut ids = Vec::new();
    for run in text.split(' ') {
        let (from, to) = run.split_once('-').unwrap_or((run, run));
        let (from, to): (u16, u16) = (from.parse().ok()?, to.parse().ok()?);
        if usize::from(to) >= below {
            return None;
        }
        ids.extend(from..=to);
    }
    Some(ids)
}
