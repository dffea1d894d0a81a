//! Candidates as they trickle, one by one; each is told against those before it, and against the description it belongs to.

use super::coder::{Chance, Coder, Small};
use super::description::{Known, Memory};
use super::letters::Letters;
use super::library::Library;
use super::line::{PAYLOAD, Role, Said, VALUE};
use super::value::{About, Before, Values};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use duologue_core::wire::Candidate;

/// How many kinds of candidates a side remembers.
const KINDS: usize = 32;

/// What is learned of kinds of candidates.
#[derive(Clone, Debug)]
pub(crate) struct Kinds {
    /// The kinds said, the newest first.
    kinds: Vec<String>,
    /// What followed which.
    next: Vec<(String, String)>,
    is_next: Chance,
    is_known: Chance,
    known: Small,
    listed: Chance,
    list: Small,
}

impl Default for Kinds {
    fn default() -> Kinds {
        Kinds {
            kinds: Vec::new(),
            next: Vec::new(),
            is_next: Chance::new(40_000, 1),
            is_known: Chance::new(32_768, 1),
            known: Small::new(),
            listed: Chance::new(62_000, 6),
            list: Small::new(),
        }
    }
}

impl Kinds {
    /// Which kind of candidate.
    pub(crate) fn shape<C: Coder>(&mut self, coder: &mut C, library: &Library, is: &str, most: usize) -> Option<String> {
        let before = self.kinds.first().cloned().unwrap_or_default();
        let likely = self.next.iter().find(|(one, _)| *one == before).map(|(_, next)| next.clone());
        let shape = match likely {
            Some(likely) if coder.decide(&mut self.is_next, likely == is) => likely,
            _ => self.other_shape(coder, library, is, most)?,
        };
        self.next.retain(|(one, _)| *one != before);
        self.next.push((before, shape.clone()));
        self.kinds.retain(|kind| *kind != shape);
        self.kinds.insert(0, shape.clone());
        if self.kinds.len() > KINDS {
            self.kinds.pop();
        }
        if self.next.len() > KINDS {
            self.next.remove(0);
        }
        Some(shape)
    }

    fn other_shape<C: Coder>(&mut self, coder: &mut C, library: &Library, is: &str, most: usize) -> Option<String> {
        let place = self.kinds.iter().position(|kind| kind == is);
        if !self.kinds.is_empty() && coder.decide(&mut self.is_known, place.is_some()) {
            let place = coder.small(&mut self.known, place.unwrap_or_default() as u32) as usize;
            return self.kinds.get(place).cloned();
        }
        let place = library.candidates().iter().position(|kind| kind == is);
        if coder.decide(&mut self.listed, place.is_some()) {
            let place = coder.small(&mut self.list, place.unwrap_or_default() as u32) as usize;
            return library.candidates().get(place).cloned();
        }
        let like = self.kinds.first().or(library.candidates().first()).cloned().unwrap_or_default();
        Letters::new().line(coder, library, &like, is, most)
    }
}

/// What a side's candidates have taught so far.
#[derive(Clone, Debug)]
pub(crate) struct Trickle {
    kinds: Kinds,
    line: u32,
    values: Values,
    shaped: Chance,
    letters: Chance,
    empty: Chance,
    same_line: Chance,
    has_line: Chance,
    lines: Small,
    has_mid: Chance,
    is_number: Chance,
    is_named: Chance,
}

impl Default for Trickle {
    fn default() -> Trickle {
        Trickle {
            kinds: Kinds::default(),
            line: 0,
            values: Values::new(),
            shaped: Chance::new(64_000, 20),
            letters: Chance::new(60_000, 8),
            empty: Chance::new(1_500, 8),
            same_line: Chance::new(58_000, 4),
            has_line: Chance::new(65_000, 20),
            lines: Small::new(),
            has_mid: Chance::new(64_500, 16),
            is_number: Chance::new(62_000, 6),
            is_named: Chance::new(60_000, 4),
        }
    }
}

/// Writes or reads one. `None`: it makes no sense, or is longer than `most` bytes (of the text, and of `mid`).
pub(crate) fn candidate<C: Coder>(
    coder: &mut C,
    library: &Library,
    side: &mut Memory,
    trickle: &mut Trickle,
    is: &Candidate,
    most: usize,
) -> Option<Candidate> {
    let line = trickle.line(coder, is.line);
    let mid = trickle.mid(coder, library, side, line, is.mid.as_deref(), most)?;
    let text = trickle.text(coder, library, side, &is.candidate, most)?;
    if !text.is_empty() {
        note(side, line.unwrap_or_default(), &text);
    }
    Some(Candidate { candidate: text, mid, line })
}

/// As it would stand in a description.
fn note(side: &mut Memory, section: u32, text: &str) {
    let (mut kept, mut ufrag): (Vec<&str>, &str) = (Vec::new(), "");
    let mut words = text.split(' ');
    while let Some(word) = words.next() {
        if word == "ufrag" {
            ufrag = words.next().unwrap_or_default();
        } else {
            kept.push(word);
        }
    }
    let newest = side.newest().and_then(|sheet| sheet.said.values(Role::Ufrag).last());
    let ufrag = if ufrag.is_empty() { newest.map(|value| value.text.clone()).unwrap_or_default() } else { ufrag.to_string() };
    side.note(Known { section, ufrag, line: alloc::format!("a={}", kept.join(" ")) });
}

impl Trickle {
    fn line<C: Coder>(&mut self, coder: &mut C, is: Option<u32>) -> Option<u32> {
        if !coder.decide(&mut self.has_line, is.is_some()) {
            return None;
        }
        let is = is.unwrap_or_default();
        if !coder.decide(&mut self.same_line, is == self.line) {
            let is_small = coder.bit(65_000, is < 60_000);
            self.line = if is_small { coder.small(&mut self.lines, is) } else { coder.random(32, u64::from(is)) as u32 };
        }
        Some(self.line)
    }

    #[allow(clippy::option_option)]
    fn mid<C: Coder>(
        &mut self,
        coder: &mut C,
        library: &Library,
        side: &Memory,
        line: Option<u32>,
        is: Option<&str>,
        most: usize,
    ) -> Option<Option<String>> {
        if !coder.decide(&mut self.has_mid, is.is_some()) {
            return Some(None);
        }
        let is = is.unwrap_or_default();
        let number = line.unwrap_or_default().to_string();
        if coder.decide(&mut self.is_number, is == number) {
            return Some(Some(number));
        }
        let names = side.newest().map_or(&[][..], |sheet| sheet.said.values(Role::Mid));
        if let Some(name) = names.get(line.unwrap_or_default() as usize)
            && coder.decide(&mut self.is_named, name.text == is)
        {
            return Some(Some(name.text.clone()));
        }
        self.spelt(coder, library, "", is, most).map(Some)
    }

    fn text<C: Coder>(&mut self, coder: &mut C, library: &Library, side: &mut Memory, is: &str, most: usize) -> Option<String> {
        if coder.decide(&mut self.empty, is.is_empty()) {
            return Some(String::new());
        }
        let mut said = Said::default();
        if let Some(sheet) = side.newest() {
            said.follow(&sheet.said, Role::Ufrag);
        }
        let names = said.clone();
        let is_plain = !is.contains([VALUE, PAYLOAD, '\n']);
        if !coder.decide(&mut self.shaped, is_plain) {
            return self.spelt(coder, library, "", is, most);
        }
        let (shape, values) = if coder.reads() { (String::new(), Vec::new()) } else { said.split(is) };
        let shape = self.kinds.shape(coder, library, &shape, most * 4)?;
        let mut values = values.iter();
        let mut about = About { library, before: Before::default(), recent: core::mem::take(&mut side.recent) };
        let mut said = names;
        let text = said.join(&shape, most, &mut |said, role, class| {
            let is = values.next().map_or("", |value| value.text.as_str());
            self.values.value(coder, &mut about, said, role, class, is)
        });
        side.recent = about.recent;
        text
    }

    /// Letters where there is no line feed among them, else bytes.
    fn spelt<C: Coder>(&mut self, coder: &mut C, library: &Library, like: &str, is: &str, most: usize) -> Option<String> {
        if coder.decide(&mut self.letters, !is.contains('\n')) {
            return Letters::new().line(coder, library, like, is, most);
        }
        let length = coder.random(16, is.len() as u64) as usize;
        if length > most {
            return None;
        }
        let bytes = (0..length).map(|at| coder.random(8, u64::from(is.as_bytes().get(at).copied().unwrap_or_default())) as u8);
        String::from_utf8(bytes.collect()).ok()
    }
}
