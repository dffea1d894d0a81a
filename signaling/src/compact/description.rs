//! A whole description: a skeleton that resembles it (of the library, of this side's earlier ones, of the other side's), walked
//! through line by line. Nearly every line is as the skeleton says; where one is not, lines are left out or put in, found by what
//! follows elsewhere, by number, or spelt. The values of a line follow it.

use super::coder::{Chance, Coder, Reader, Small, Writer};
use super::letters::Letters;
use super::library::Library;
use super::line::{PAYLOAD, Role, Said, VALUE, Value};
use super::value::{About, Before, Recent, Values};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How many descriptions a side remembers of each side.
const SHEETS: usize = 6;
/// How many candidates.
const CANDIDATES: usize = 128;

/// A description as it is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    templates: Vec<String>,
    pub(crate) said: Said,
    version: Option<u32>,
}

/// A candidate as it stands in a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub section: u32,
    pub ufrag: String,
    pub line: String,
}

/// What one side has said in this call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The newest last.
    sheets: VecDeque<Sheet>,
    /// How many there ever were.
    count: u32,
    pub(crate) recent: Recent,
    candidates: Vec<Known>,
    newest: String,
}

impl Memory {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0 && self.candidates.is_empty()
    }

    pub(crate) fn newest(&self) -> Option<&Sheet> {
        self.sheets.back()
    }

    pub(crate) fn note(&mut self, known: Known) {
        if self.candidates.len() < CANDIDATES && !self.candidates.contains(&known) {
            self.candidates.push(known);
        }
    }

    /// The candidates of a section under the newest name, as they would stand in a description.
    fn run(&self, section: u32) -> Vec<&str> {
        let Some(newest) = self.candidates.last() else { return Vec::new() };
        let of_section = self.candidates.iter().filter(|known| known.section == section && known.ufrag == newest.ufrag);
        of_section.map(|known| known.line.as_str()).collect()
    }

    fn before(&self) -> Before {
        let version = self.sheets.back().and_then(|sheet| sheet.version);
        Before::new(self.sheets.iter().rev().map(|sheet| &sheet.said), version)
    }

    /// Remembers a description, however it was carried.
    fn keep(&mut self, text: &str, done: Done) {
        if self.newest == text {
            return;
        }
        self.newest = text.to_string();
        self.recent = done.recent;
        for known in done.candidates {
            self.note(known);
        }
        self.sheets.push_back(done.sheet);
        self.count += 1;
        if self.sheets.len() > SHEETS {
            self.sheets.pop_front();
        }
    }
}

/// What a description leaves behind.
struct Done {
    sheet: Sheet,
    recent: Recent,
    candidates: Vec<Known>,
}

/// Where the skeleton comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Library(usize),
    /// The newest is 0.
    Own(usize),
    Peer(usize),
}

/// A line of the text to be written.
struct Line<'a> {
    text: &'a str,
    template: String,
    values: Vec<Value>,
}

/// What is learned on the way.
struct Chances {
    own: Chance,
    peer: Chance,
    back: Small,
    hit: [Chance; 2],
    run: [Chance; 3],
    skip: Chance,
    skipped: Small,
    spelt: Chance,
    follows: Chance,
    rank: Small,
    stays: Chance,
    jumps: Chance,
    values: Values,
    letters: Letters,
}

impl Chances {
    fn new() -> Chances {
        Chances {
            own: Chance::new(60_000, 4),
            peer: Chance::new(3_000, 4),
            back: Small::new(),
            hit: [Chance::new(65_200, 60), Chance::new(40_000, 2)],
            run: [Chance::new(800, 4), Chance::new(50_000, 1), Chance::new(50_000, 1)],
            skip: Chance::new(28_000, 1),
            skipped: Small::new(),
            spelt: Chance::new(16_000, 1),
            follows: Chance::new(40_000, 1),
            rank: Small::new(),
            stays: Chance::new(28_000, 1),
            jumps: Chance::new(28_000, 1),
            values: Values::new(),
            letters: Letters::new(),
        }
    }
}

/// A walk through a description.
struct Walk<'a> {
    library: &'a Library,
    own: &'a Memory,
    peer: &'a Memory,
    /// How many of the peer's descriptions the writer had seen.
    seen: u32,
    source: Source,
    /// The next line of the skeleton.
    at: usize,
    chances: Chances,
    said: Said,
    about: About<'a>,
    /// Of this description.
    templates: Vec<String>,
    version: Option<u32>,
    candidates: Vec<Known>,
    /// Number of `m=` lines so far, and whether the known candidates of this section were said.
    sections: u32,
    run_said: bool,
    missed: bool,
    out: String,
    most: usize,
}

/// Writes a text; `None` if it cannot be told this way.
pub(crate) fn write(library: &Library, own: &mut Memory, peer: &Memory, text: &str, most: usize) -> Option<Vec<u8>> {
    let lines = take_apart(text)?;
    let mut best: Option<(Vec<u8>, Done)> = None;
    for source in sources(library, own, peer, &lines) {
        let mut writer = Writer::new();
        let mut walk = Walk::new(library, own, peer, source, most);
        walk.start(&mut writer);
        if walk.walk(&mut writer, Some(&lines)).is_none() || walk.out != text {
            continue;
        }
        let bytes = writer.finish();
        if best.as_ref().is_none_or(|(shortest, _)| bytes.len() < shortest.len()) {
            best = Some((bytes, walk.done()));
        }
    }
    let (bytes, done) = best?;
    own.keep(text, done);
    Some(bytes)
}

/// Reads what [`write`] has written. Here, `own` is the side that wrote it.
pub(crate) fn read(library: &Library, own: &mut Memory, peer: &Memory, bytes: &[u8], most: usize) -> Option<String> {
    let mut reader = Reader::new(bytes);
    let mut walk = Walk::new(library, own, peer, Source::Library(0), most);
    walk.started(&mut reader)?;
    walk.walk(&mut reader, None)?;
    let text = core::mem::take(&mut walk.out);
    let done = walk.done();
    own.keep(&text, done);
    Some(text)
}

/// Remembers a text that was carried otherwise, if it can be told in lines.
pub(crate) fn remember(library: &Library, own: &mut Memory, text: &str, most: usize) {
    let nobody = Memory::default();
    let Some(lines) = take_apart(text) else { return };
    let mut walk = Walk::new(library, own, &nobody, Source::Library(0), most);
    if walk.walk(&mut Writer::new(), Some(&lines)).is_some() && walk.out == text {
        let done = walk.done();
        own.keep(text, done);
    }
}

fn take_apart(text: &str) -> Option<Vec<Line<'_>>> {
    let text = text.strip_suffix("\r\n")?;
    if text.contains([VALUE, PAYLOAD]) || text.split("\r\n").any(|line| line.contains(['\r', '\n'])) {
        return None;
    }
    let mut said = Said::default();
    let take = |text| {
        let (template, values) = said.split(text);
        Line { text, template, values }
    };
    Some(text.split("\r\n").map(take).collect())
}

/// The skeletons that are worth a try: all that this call has, and the nearest of the library.
fn sources(library: &Library, own: &Memory, peer: &Memory, lines: &[Line<'_>]) -> Vec<Source> {
    let mut sources: Vec<Source> = (0..own.sheets.len()).map(Source::Own).collect();
    sources.extend((0..peer.sheets.len()).map(Source::Peer));
    let ids: BTreeSet<u16> = lines.iter().filter_map(|line| library.id(&line.template)).collect();
    let mut near: Vec<(usize, usize)> = library.skeletons().iter().enumerate().map(|(number, skeleton)| {
        let common = skeleton.iter().filter(|id| ids.contains(id)).count();
        (skeleton.len() + lines.len() - 2 * common.min(lines.len()), number)
    }).collect();
    near.sort_unstable();
    sources.extend(near.into_iter().take(3).map(|(_, number)| Source::Library(number)));
    sources
}

impl<'a> Walk<'a> {
    fn new(library: &'a Library, own: &'a Memory, peer: &'a Memory, source: Source, most: usize) -> Walk<'a> {
        Walk {
            library,
            own,
            peer,
            seen: peer.count,
            source,
            at: 0,
            chances: Chances::new(),
            said: Said::default(),
            about: About { library, before: own.before(), recent: own.recent.clone() },
            templates: Vec::new(),
            version: None,
            candidates: Vec::new(),
            sections: 0,
            run_said: false,
            missed: false,
            out: String::new(),
            most,
        }
    }

    fn done(self) -> Done {
        Done {
            sheet: Sheet { templates: self.templates, said: self.said, version: self.version },
            recent: self.about.recent,
            candidates: self.candidates,
        }
    }

    fn start(&mut self, writer: &mut Writer) {
        // A writer cannot fail here.
        let _ = self.started(writer);
    }

    /// Which skeleton.
    fn started<C: Coder>(&mut self, coder: &mut C) -> Option<()> {
        let has_own = !self.own.sheets.is_empty();
        if has_own && coder.decide(&mut self.chances.own, matches!(self.source, Source::Own(_))) {
            let back = if let Source::Own(back) = self.source { back } else { 0 };
            self.source = Source::Own(coder.small(&mut self.chances.back, back as u32) as usize);
        } else if coder.decide(&mut self.chances.peer, matches!(self.source, Source::Peer(_))) {
            let back = if let Source::Peer(back) = self.source { back } else { 0 };
            // What the peer has said meanwhile, the writer did not know.
            self.seen = coder.small(&mut self.chances.back, self.seen);
            self.source = Source::Peer(coder.small(&mut self.chances.back, back as u32) as usize);
        } else {
            let number = if let Source::Library(number) = self.source { number } else { 0 };
            self.source = Source::Library(coder.one_of(self.library.skeletons().len(), number));
        }
        self.exists(self.source).then_some(())
    }

    fn sheet(&self, source: Source) -> Option<&'a Sheet> {
        match source {
            Source::Library(_) => None,
            Source::Own(back) => self.own.sheets.iter().rev().nth(back),
            Source::Peer(back) => {
                let unknown = self.peer.count.checked_sub(self.seen)? as usize;
                self.peer.sheets.iter().rev().nth(back.checked_add(unknown)?)
            }
        }
    }

    fn exists(&self, source: Source) -> bool {
        match source {
            Source::Library(number) => number < self.library.skeletons().len(),
            Source::Own(_) | Source::Peer(_) => self.sheet(source).is_some(),
        }
    }

    /// A line of a skeleton; `None` is its end.
    fn line_of(&self, source: Source, at: usize) -> Option<&'a str> {
        match source {
            Source::Library(number) => {
                let id = self.library.skeletons().get(number)?.get(at)?;
                Some(self.library.lines()[usize::from(*id)].as_str())
            }
            Source::Own(_) | Source::Peer(_) => self.sheet(source)?.templates.get(at).map(String::as_str),
        }
    }

    fn walk<C: Coder>(&mut self, coder: &mut C, lines: Option<&[Line<'_>]>) -> Option<()> {
        let mut number = 0;
        loop {
            number += self.known_candidates(coder, lines.map(|lines| &lines[number..]))?;
            let ahead = lines.map_or(&[][..], |lines| &lines[number..]);
            let Some(template) = self.next_template(coder, ahead)? else { return Some(()) };
            let mut values = ahead.first().map_or(&[][..], |line| &line.values[..]).iter();
            let (about, chances, version) = (&mut self.about, &mut self.chances, &mut self.version);
            let room = self.most.checked_sub(self.out.len() + 2)?;
            let line = self.said.join(&template, room, &mut |said, role, class| {
                let is = values.next().map_or("", |value| value.text.as_str());
                let text = chances.values.value(coder, about, said, role, class, is)?;
                if role == Role::Version {
                    *version = text.parse().ok();
                }
                Some(text)
            })?;
            if let Some(rest) = line.strip_prefix("a=candidate:") {
                let _ = rest;
                let ufrag = self.said.values(Role::Ufrag).last().map(|value| value.text.clone()).unwrap_or_default();
                self.candidates.push(Known { section: self.sections.saturating_sub(1), ufrag, line: line.clone() });
            }
            self.templates.push(template);
            self.say(&line)?;
            number += 1;
        }
    }

    fn say(&mut self, line: &str) -> Option<()> {
        if self.out.len() + line.len() + 2 > self.most {
            return None;
        }
        if line.starts_with("m=") {
            self.sections += 1;
            self.run_said = false;
        }
        self.out.push_str(line);
        self.out.push_str("\r\n");
        Some(())
    }

    /// The candidates that this side has told of, all together; how many lines they are.
    fn known_candidates<C: Coder>(&mut self, coder: &mut C, ahead: Option<&[Line<'_>]>) -> Option<usize> {
        if self.run_said || self.sections == 0 {
            return Some(0);
        }
        let run = self.own.run(self.sections - 1);
        if run.is_empty() {
            return Some(0);
        }
        let are = ahead.is_some_and(|ahead| ahead.len() >= run.len() && run.iter().zip(ahead).all(|(known, line)| *known == line.text));
        let place = match self.templates.last() {
            Some(last) if last.starts_with("a=rtcp:") => 1,
            Some(last) if last.starts_with("c=") => 2,
            _ => 0,
        };
        if !coder.decide(&mut self.chances.run[place], are) {
            return Some(0);
        }
        self.run_said = true;
        for line in &run {
            self.said.split(line);
            self.say(line)?;
        }
        Some(run.len())
    }

    /// The template of the next line; `None` at the end of the text.
    #[allow(clippy::option_option)]
    fn next_template<C: Coder>(&mut self, coder: &mut C, ahead: &[Line<'_>]) -> Option<Option<String>> {
        let is = ahead.first().map(|line| line.template.as_str());
        let likely = self.line_of(self.source, self.at);
        let missed = core::mem::take(&mut self.missed);
        if coder.decide(&mut self.chances.hit[usize::from(missed)], is == likely) {
            self.at += 1;
            return Some(likely.map(String::from));
        }
        self.missed = true;
        let way = if coder.reads() { Way::default() } else { self.way(ahead) };
        if coder.decide(&mut self.chances.skip, way.skip > 0) {
            let skip = coder.small(&mut self.chances.skipped, way.skip.saturating_sub(1) as u32) as usize + 1;
            self.at += skip;
            let template = self.line_of(self.source, self.at);
            self.at += 1;
            return Some(template.map(String::from));
        }
        let is = is.unwrap_or_default();
        let (template, place) = self.other_line(coder, likely.unwrap_or_default(), is)?;
        if coder.decide(&mut self.chances.stays, way.stays) {
            return Some(Some(template));
        }
        self.at += 1;
        if let Some(place) = place
            && coder.decide(&mut self.chances.jumps, way.jumps)
        {
            self.source = Source::Library(usize::from(place.0));
            self.at = usize::from(place.1) + 1;
        }
        Some(Some(template))
    }

    /// A line that the skeleton does not have here: of the library, with its place there, or spelt.
    fn other_line<C: Coder>(&mut self, coder: &mut C, likely: &str, is: &str) -> Option<(String, Option<(u16, u16)>)> {
        let id = self.library.id(is);
        if coder.decide(&mut self.chances.spelt, id.is_none()) {
            let template = self.chances.letters.line(coder, self.library, likely, is, self.most)?;
            return Some((template, None));
        }
        let before = self.templates.last().map_or("", String::as_str);
        let follows = self.library.follows(before);
        let rank = follows.iter().position(|(next, _)| Some(*next) == id);
        let (id, place) = if !follows.is_empty() && coder.decide(&mut self.chances.follows, rank.is_some()) {
            let rank = coder.small(&mut self.chances.rank, rank.unwrap_or_default() as u32) as usize;
            *follows.get(rank)?
        } else {
            let id = coder.one_of(self.library.lines().len(), usize::from(id.unwrap_or_default())) as u16;
            (id, self.library.first(id))
        };
        Some((self.library.lines()[usize::from(id)].clone(), Some(place)))
    }

    /// How the writer goes on after a line that the skeleton does not have here: so that the most lines match after it.
    fn way(&self, ahead: &[Line<'_>]) -> Way {
        let mut best = (0, Way::default());
        let mut offer = |score: usize, way: Way| {
            if score > best.0 {
                best = (score, way);
            }
        };
        let Some(first) = ahead.first() else {
            let length = (self.at..).take_while(|at| self.line_of(self.source, *at).is_some()).count();
            return Way { skip: length, ..Way::default() };
        };
        for skip in 1..=100 {
            if self.line_of(self.source, self.at + skip).is_none() {
                break;
            }
            let run = self.run(self.source, self.at + skip, ahead);
            if run > 0 {
                offer(run * 4 + 2, Way { skip, ..Way::default() });
            }
        }
        offer(self.run(self.source, self.at, &ahead[1..]) * 4 + 1, Way { stays: true, ..Way::default() });
        offer(self.run(self.source, self.at + 1, &ahead[1..]) * 4 + 1, Way::default());
        if let Some(id) = self.library.id(&first.template) {
            let before = self.templates.last().map_or("", String::as_str);
            let follow = self.library.follows(before).iter().find(|(next, _)| *next == id);
            let (number, at) = follow.map_or(self.library.first(id), |(_, place)| *place);
            let run = self.run(Source::Library(usize::from(number)), usize::from(at) + 1, &ahead[1..]);
            offer((run * 4).saturating_sub(8), Way { jumps: true, ..Way::default() });
        }
        best.1
    }

    /// How many lines match from here on.
    fn run(&self, source: Source, at: usize, ahead: &[Line<'_>]) -> usize {
        let matches = ahead.iter().take(32).enumerate().take_while(|(more, line)| self.line_of(source, at + more) == Some(line.template.as_str()));
        matches.count()
    }
}

/// A writer's choice.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    /// So many lines of the skeleton are left out.
    skip: usize,
    /// The skeleton goes on with the line that did not match.
    stays: bool,
    /// It goes on at the place in the library where this line was found.
    jumps: bool,
}
