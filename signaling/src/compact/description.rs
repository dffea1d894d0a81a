//! A whole description: a skeleton that resembles it (of the library, of this side's earlier ones, of the other side's), walked
//! through line by line. Nearly every line is as the skeleton says; where one is not, lines are left out or put in, found by what
//! follows elsewhere, by number, or spelt. The values of a line follow it.

use super::candidate::Kinds;
use super::coder::{Chance, Coder, Reader, Small, Writer};
use super::letters::Letters;
use super::library::Library;
use super::line::{PAYLOAD, Role, Said, VALUE, Value};
use super::media::{Media, Payloads};
use super::value::{About, Before, Recent, Values};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Said where a description has all candidates.
pub(crate) const END_OF_CANDIDATES: &str = "a=end-of-candidates";
const CANDIDATE: &str = "a=candidate:";

/// How many descriptions a side remembers of each side.
const SHEETS: usize = 6;
/// A text in which more lines are not as the skeleton says is not worth telling so.
const MISSES: usize = 256;
/// How many candidates.
const CANDIDATES: usize = 128;

/// A description as it is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    templates: Vec<String>,
    pub(crate) said: Said,
    version: Option<u32>,
    /// By section.
    payloads: Vec<Vec<u8>>,
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

    /// The payload types of a section of the newest description before the last `unseen`.
    fn media(&self, unseen: usize, section: usize) -> Option<&[u8]> {
        self.sheets.iter().rev().nth(unseen)?.payloads.get(section).map(Vec::as_slice)
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
    seen: Small,
    own: Chance,
    peer: Chance,
    back: Small,
    hit: [Chance; 2],
    known: [Chance; 3],
    candidates: [Chance; 4],
    ended: [Chance; 3],
    kinds: Kinds,
    payloads: Payloads,
    skip: Chance,
    skipped: Small,
    spelt: Chance,
    media: Chance,
    likely_head: Chance,
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
            seen: Small::near_one(),
            own: Chance::new(60_000, 4),
            peer: Chance::new(3_000, 4),
            back: Small::new(),
            hit: [Chance::new(65_200, 60), Chance::new(40_000, 2)],
            known: [Chance::new(200, 8), Chance::new(50_000, 1), Chance::new(50_000, 1)],
            candidates: [Chance::new(200, 40), Chance::new(8_000, 4), Chance::new(8_000, 4), Chance::new(60_000, 2)],
            ended: [Chance::new(30_000, 1), Chance::new(30_000, 1), Chance::new(300, 20)],
            kinds: Kinds::default(),
            payloads: Payloads::default(),
            skip: Chance::new(28_000, 1),
            skipped: Small::new(),
            spelt: Chance::new(16_000, 1),
            media: Chance::new(40_000, 1),
            likely_head: Chance::new(60_000, 2),
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
    /// Number of `m=` lines so far; whether this section had candidates, just now, and their end.
    sections: u32,
    candidates_said: bool,
    directly: bool,
    ended: bool,
    missed: bool,
    misses: usize,
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
        if walk.whole(&mut writer, Some(&lines), text).is_none() || walk.out != text {
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
    let mut walk = Walk::new(library, own, peer, Source::Library(0), most);
    walk.whole(&mut Reader::new(bytes), None, "")?;
    let text = core::mem::take(&mut walk.out);
    let done = walk.done();
    own.keep(&text, done);
    Some(text)
}

/// 16 bits that another text is unlikely to have (FNV-1a, folded).
fn sum(text: &str) -> u64 {
    let sum = text.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u64::from((sum >> 16 ^ sum) & 0xffff)
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

/// The skeletons that are worth a try: the newest of this call, and the nearest of the library.
fn sources(library: &Library, own: &Memory, peer: &Memory, lines: &[Line<'_>]) -> Vec<Source> {
    let mut sources: Vec<Source> = (0..own.sheets.len().min(2)).map(Source::Own).collect();
    sources.extend((0..peer.sheets.len().min(2)).map(Source::Peer));
    let ids: BTreeSet<u16> = lines.iter().filter_map(|line| library.id(&line.template)).collect();
    let mut near: Vec<(usize, usize)> = library
        .skeletons()
        .iter()
        .enumerate()
        .map(|(number, skeleton)| {
            let common = skeleton.iter().filter(|id| ids.contains(id)).count();
            (skeleton.len() + lines.len() - 2 * common.min(lines.len()), number)
        })
        .collect();
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
            candidates_said: false,
            directly: false,
            ended: false,
            missed: false,
            misses: 0,
            out: String::new(),
            most,
        }
    }

    fn done(self) -> Done {
        let media = self.templates.iter().filter(|template| template.starts_with("m="));
        let payloads = media.map(|template| Media::of(template).map_or_else(Vec::new, |media| media.payloads)).collect();
        Done {
            sheet: Sheet { templates: self.templates, said: self.said, version: self.version, payloads },
            recent: self.about.recent,
            candidates: self.candidates,
        }
    }

    /// All of it. Whoever has heard nothing needs nothing of the call, and the text no proof that both remember the same.
    fn whole<C: Coder>(&mut self, coder: &mut C, lines: Option<&[Line<'_>]>, text: &str) -> Option<()> {
        if !coder.bit(super::IS_TOLD, true) {
            return None;
        }
        let is_first = self.own.is_empty() && self.peer.count == 0;
        if coder.bit(32_768, is_first) {
            self.seen = 0;
            if !self.own.is_empty() {
                return None;
            }
            self.started(coder)?;
            return self.walk(coder, lines);
        }
        self.seen = coder.small(&mut self.chances.seen, self.seen);
        self.started(coder)?;
        self.walk(coder, lines)?;
        let is = sum(if coder.reads() { &self.out } else { text });
        (coder.random(16, is) == is).then_some(())
    }

    /// Which skeleton.
    fn started<C: Coder>(&mut self, coder: &mut C) -> Option<()> {
        let has_own = !self.own.sheets.is_empty();
        if has_own && coder.decide(&mut self.chances.own, matches!(self.source, Source::Own(_))) {
            let back = if let Source::Own(back) = self.source { back } else { 0 };
            self.source = Source::Own(coder.small(&mut self.chances.back, back as u32) as usize);
        } else if self.seen > 0 && coder.decide(&mut self.chances.peer, matches!(self.source, Source::Peer(_))) {
            let back = if let Source::Peer(back) = self.source { back } else { 0 };
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
            Source::Peer(back) => self.peer.sheets.iter().rev().nth(back.checked_add(self.unseen()?)?),
        }
    }

    /// How many descriptions of the peer the writer had not seen.
    fn unseen(&self) -> Option<usize> {
        Some(self.peer.count.checked_sub(self.seen)? as usize)
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
        let ahead = |number: usize| lines.map_or(&[][..], |lines| &lines[number..]);
        loop {
            number += self.known_candidates(coder, ahead(number))?;
            number += self.candidates(coder, ahead(number))?;
            if self.end_of_candidates(coder, ahead(number))? {
                number += 1;
                continue;
            }
            let Some(template) = self.next_template(coder, ahead(number))? else { return Some(()) };
            let values = ahead(number).first().map_or(&[][..], |line| &line.values[..]);
            let line = self.join(coder, &template, values)?;
            self.templates.push(template);
            self.say(&line)?;
            number += 1;
        }
    }

    fn join<C: Coder>(&mut self, coder: &mut C, template: &str, values: &[Value]) -> Option<String> {
        let mut values = values.iter();
        let (about, chances, version) = (&mut self.about, &mut self.chances, &mut self.version);
        let room = self.most.checked_sub(self.out.len() + 2)?;
        self.said.join(template, room, &mut |said, role, class| {
            let is = values.next().map_or("", |value| value.text.as_str());
            let text = chances.values.value(coder, about, said, role, class, is)?;
            if role == Role::Version {
                *version = text.parse().ok();
            }
            Some(text)
        })
    }

    fn say(&mut self, line: &str) -> Option<()> {
        if self.out.len() + line.len() + 2 > self.most {
            return None;
        }
        if line.starts_with("m=") {
            self.sections += 1;
            self.candidates_said = false;
            self.ended = false;
        }
        self.out.push_str(line);
        self.out.push_str("\r\n");
        Some(())
    }

    /// Where candidates stand in most descriptions.
    fn place(&self) -> usize {
        match self.templates.last() {
            Some(last) if last.starts_with("a=rtcp:") => 1,
            Some(last) if last.starts_with("c=") => 2,
            _ => 0,
        }
    }

    /// The candidates that this side has told of, all together; how many lines they are.
    fn known_candidates<C: Coder>(&mut self, coder: &mut C, ahead: &[Line<'_>]) -> Option<usize> {
        if self.candidates_said || self.sections == 0 {
            return Some(0);
        }
        let run = self.own.run(self.sections - 1);
        if run.is_empty() {
            return Some(0);
        }
        let are = ahead.len() >= run.len() && run.iter().zip(ahead).all(|(known, line)| *known == line.text);
        let place = self.place();
        if !coder.decide(&mut self.chances.known[place], are) {
            return Some(0);
        }
        self.candidates_said = true;
        self.directly = true;
        for line in &run {
            self.said.split(line);
            self.say(line)?;
        }
        Some(run.len())
    }

    /// Candidates one by one; how many lines they are.
    fn candidates<C: Coder>(&mut self, coder: &mut C, ahead: &[Line<'_>]) -> Option<usize> {
        let mut count = 0;
        let mut place = self.place();
        while self.sections > 0 {
            let line = ahead.get(count).filter(|line| line.text.starts_with(CANDIDATE));
            if !coder.decide(&mut self.chances.candidates[place], line.is_some()) {
                break;
            }
            place = 3;
            let template = line.map_or("", |line| &line.template[2..]);
            let kind = self.chances.kinds.shape(coder, self.library, template, self.most)?;
            let text = self.join(coder, &kind, line.map_or(&[][..], |line| &line.values[..]))?;
            let ufrag = self.said.values(Role::Ufrag).last().map(|value| value.text.clone()).unwrap_or_default();
            let line = ["a=", &text].concat();
            self.say(&line)?;
            self.candidates.push(Known { section: self.sections - 1, ufrag, line });
            self.candidates_said = true;
            self.directly = true;
            count += 1;
        }
        Some(count)
    }

    /// Only behind candidates: at once, or behind the direction.
    fn end_of_candidates<C: Coder>(&mut self, coder: &mut C, ahead: &[Line<'_>]) -> Option<bool> {
        let directly = core::mem::take(&mut self.directly);
        if !self.candidates_said || self.ended {
            return Some(false);
        }
        let place = match self.templates.last() {
            _ if directly => 0,
            Some(last) if last.starts_with("a=\u{1}") => 1,
            _ => 2,
        };
        let is = ahead.first().is_some_and(|line| line.text == END_OF_CANDIDATES);
        self.ended = coder.decide(&mut self.chances.ended[place], is);
        if self.ended {
            self.say(END_OF_CANDIDATES)?;
        }
        Some(self.ended)
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
        self.misses += 1;
        if self.misses > MISSES {
            return None;
        }
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
            let media = Media::of(is);
            if coder.decide(&mut self.chances.media, media.is_some()) {
                return Some((self.media(coder, likely, media.unwrap_or_default())?, None));
            }
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

    /// An `m=` line with a list of payload types of its own.
    fn media<C: Coder>(&mut self, coder: &mut C, likely: &str, is: Media<'_>) -> Option<String> {
        let likely = Media::of(likely).unwrap_or(Media { head: "m=video \u{1}Gp UDP/TLS/RTP/SAVPF", payloads: Vec::new() });
        let head = if coder.decide(&mut self.chances.likely_head, is.head == likely.head) {
            String::from(likely.head)
        } else {
            self.chances.letters.line(coder, self.library, likely.head, is.head, self.most)?
        };
        let of_peer = self.unseen().and_then(|unseen| self.peer.media(unseen, self.sections as usize));
        let lists: Vec<&[u8]> = of_peer.into_iter().chain([&likely.payloads[..]]).collect();
        let list = self.chances.payloads.list(coder, &lists, &is.payloads, self.most)?;
        Some(list.into_iter().fold(head, |line, payload| line + " " + &payload.to_string()))
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
        let matches =
            ahead.iter().take(32).enumerate().take_while(|(more, line)| self.line_of(source, at + more) == Some(line.template.as_str()));
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
