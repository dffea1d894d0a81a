//! What one client was told, on the wire: numbers without gap or double over all its resumes, one answer a number, nothing of a
//! call before its start or after its end, no end of what never began, the window in versions of one. It follows the protocol,
//! not the client's code, so it holds for whoever speaks.

use super::{Verdict, law};
use crate::checks::windows::people_in;
use crate::hit;
use crate::marks::{self, Marks};
use duologue_core::kit::ids::{CallId, InviteId, UserId};
use duologue_core::wire::{Answer, ClientMessage, Closing, Command, Done, Event, ServerMessage, View, Welcome};
use std::collections::{BTreeMap, BTreeSet};

/// Answers that are remembered, to hold a repeated one against.
const REMEMBERED: usize = 256;

/// One client's ear.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    /// The newest number heard on the connection that `resume` names.
    pub seq: u64,
    /// The resume token of the newest welcome.
    pub resume: Option<String>,
    /// The newest version of the window.
    pub version: Option<u64>,
    pub window: BTreeMap<u8, UserId>,
    pub window_size: Option<u32>,
    claimed: Option<(u64, String)>,
    is_welcome: bool,
    /// How often each number was said on this link and not answered.
    open: BTreeMap<u64, u32>,
    /// Said on an earlier link: its answer may come on this one, once, without being asked for again.
    carried: BTreeSet<u64>,
    answers: BTreeMap<u64, Answer>,
    calls: BTreeSet<CallId>,
    over: BTreeSet<CallId>,
    rings: BTreeSet<InviteId>,
    rings_over: BTreeSet<InviteId>,
    candidates: BTreeMap<(CallId, u32), u32>,
    /// When the server last had to do with this client, in true time.
    seen: u64,
    /// Until the next welcome that is not a replay, indices of candidates count from 0.
    is_whole: bool,
    since_welcome: u64,
}

impl Ear {
    /// The client says this.
    pub(crate) fn said(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::Hello(hello) => {
                self.is_welcome = false;
                self.claimed = hello.resume.as_ref().map(|resume| (resume.seq, resume.token.clone()));
                self.carried.extend(std::mem::take(&mut self.open).into_keys());
            }
            ClientMessage::Command { id, .. } => self.said_number(*id),
            ClientMessage::Ack { .. } | ClientMessage::Ping => {}
        }
    }

    /// The client says a command of this number, whatever it is.
    pub(crate) fn said_number(&mut self, number: u64) {
        *self.open.entry(number).or_default() += 1;
    }

    /// The client hears this.
    pub(crate) fn hears(&mut self, who: UserId, message: &ServerMessage, marks: &mut Marks) -> Verdict {
        let is_first = !self.is_welcome;
        if is_first && !matches!(message, ServerMessage::Welcome(_) | ServerMessage::Closing { .. }) {
            return law(marks, "law: seq without gap", false, || format!("{who} hears {message:?} before any welcome"));
        }
        match message {
            ServerMessage::Closing { closing, .. } => {
                hit!(marks, marks::closing(closing.code()));
                // Nothing fails here but by a fault of ours: gateway and engine disagree about who is there.
                law(marks, "law: nobody is closed by a fault", *closing != Closing::Internal, || format!("{who} is closed with `internal`"))
            }
            ServerMessage::Event { seq, event } => {
                law(marks, "law: seq without gap", *seq == self.seq + 1, || {
                    format!("{who} has seen {} and hears {seq}: {event:?}", self.seq)
                })?;
                self.seq = *seq;
                self.event(who, event, marks)
            }
            ServerMessage::No { re, reason } => self.answer(who, *re, &Err(reason.clone()), marks),
            ServerMessage::Ok { re, done } => self.answer(who, *re, &Ok(done.clone()), marks),
            ServerMessage::Pong { .. } => Ok(()),
            ServerMessage::View(view) => self.view(who, view, marks),
            ServerMessage::Welcome(welcome) => self.welcome(who, welcome, marks),
        }
    }

    /// The server that knew this connection is gone.
    pub(crate) fn forget(&mut self) {
        let carried = std::mem::take(&mut self.carried).into_iter().chain(std::mem::take(&mut self.open).into_keys()).collect();
        let answers = std::mem::take(&mut self.answers);
        *self = Ear { carried, answers, ..Ear::default() };
    }

    /// Whether it has been welcomed on the link that it has now.
    pub(crate) fn is_welcome(&self) -> bool {
        self.is_welcome
    }

    fn welcome(&mut self, who: UserId, welcome: &Welcome, marks: &mut Marks) -> Verdict {
        law(marks, "law: seq without gap", !self.is_welcome, || format!("{who} is welcomed twice on one link"))?;
        self.is_welcome = true;
        let claimed = self.claimed.take();
        if welcome.recovered {
            hit!(marks, "resume: recovered");
            let seen = claimed.as_ref().map(|(seq, _)| *seq);
            law(marks, "law: seq without gap", seen == Some(welcome.seq), || {
                format!("{who} has seen {seen:?} and is welcomed as recovered at {}", welcome.seq)
            })?;
        } else {
            marks.hit("resume: not recovered", u64::from(claimed.is_some()));
            marks.hit("resume: after a restart", u64::from(claimed.is_some_and(|(seq, _)| seq > 0 && welcome.seq == 0)));
            self.start_afresh(welcome);
        }
        self.seq = welcome.seq;
        self.since_welcome = 0;
        self.resume = Some(welcome.resume.clone());
        if welcome.state.window.is_none() {
            self.window.clear();
            self.window_size = None;
        }
        Ok(())
    }

    /// The server has to do with this client now. After a pause longer than answers are kept for, nothing binds it any more.
    pub(crate) fn seen(&mut self, now: u64, answers_for_ms: u64) {
        if now - self.seen > answers_for_ms {
            self.answers.clear();
        }
        self.seen = now;
    }

    /// The server may have forgotten what it answered: its clock jumped, or the user has more clients than are remembered.
    pub(crate) fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// The client has left for good: it does not go on with this connection.
    pub(crate) fn forget_connection(&mut self) {
        (self.seq, self.resume, self.is_welcome) = (0, None, false);
    }

    /// Numbers begin anew: a connection without a client id is a client of its own.
    pub(crate) fn forget_numbers(&mut self) {
        self.open.clear();
        self.carried.clear();
        self.answers.clear();
    }

    /// The state in a welcome replaces all that was heard.
    fn start_afresh(&mut self, welcome: &Welcome) {
        self.calls = welcome.state.call.iter().map(|call| call.started.call).collect();
        self.over.clear();
        self.rings = welcome.state.invites.iter().map(|invite| invite.invite).collect();
        self.rings_over.clear();
        self.candidates.clear();
        self.is_whole = false;
    }

    fn answer(&mut self, who: UserId, number: u64, answer: &Answer, marks: &mut Marks) -> Verdict {
        if let Err(reason) = answer {
            hit!(marks, marks::refusal(reason.code()));
        }
        let asked = self.open.get(&number).copied().unwrap_or(0);
        let expected = asked > 0 || self.carried.remove(&number);
        law(marks, "law: one answer a number", expected, || format!("{who} hears {answer:?} to {number}, and has not asked (again)"))?;
        match asked {
            0 | 1 => drop(self.open.remove(&number)),
            _ => drop(self.open.insert(number, asked - 1)),
        }
        if let Ok(Done::Invited { invite, .. }) = answer {
            self.rings.insert(*invite);
        }
        let before = self.answers.get(&number);
        if let (Some(Ok(before)), Ok(now)) = (before, answer)
            && makes_facts(before)
        {
            law(marks, "law: the same number, the same answer", before == now, || {
                format!("{who} heard {before:?} to {number}, and now {now:?}")
            })?;
        }
        if let (Some(Ok(before)), Err(now)) = (before, answer)
            && makes_facts(before)
        {
            let holds = matches!(now.code(), "answered" | "rate_limited" | "unavailable");
            law(marks, "law: the same number, the same answer", holds, || format!("{who} heard {before:?} to {number}, and now {now:?}"))?;
        }
        if before.is_none() || answer.is_ok() {
            self.answers.insert(number, answer.clone());
        }
        while self.answers.len() > REMEMBERED {
            self.answers.pop_first();
        }
        Ok(())
    }

    fn event(&mut self, who: UserId, event: &Event, marks: &mut Marks) -> Verdict {
        self.since_welcome += 1;
        hit!(marks, name(event));
        match event {
            Event::Rang { invite, .. } => {
                let is_new = self.rings.insert(*invite) && !self.rings_over.contains(invite);
                law(marks, "law: seq without gap", is_new, || format!("{who} is rung twice by {invite:?}"))
            }
            Event::InviteEnded { invite, .. } => {
                // Other devices of the caller hear of its end without having heard of its begin.
                self.rings.remove(invite);
                law(marks, "law: seq without gap", self.rings_over.insert(*invite), || {
                    format!("{who} hears twice of the end of {invite:?}")
                })
            }
            Event::CallStarted(started) => {
                let others: Vec<&CallId> = self.calls.iter().filter(|call| **call != started.call).collect();
                law(marks, "law: one call a user", others.is_empty(), || format!("{who} enters {:?} and is in {others:?}", started.call))?;
                law(marks, "law: relay only in a call", !self.over.contains(&started.call), || {
                    format!("{:?} begins again for {who}", started.call)
                })?;
                self.calls.insert(started.call);
                self.is_whole = true;
                Ok(())
            }
            Event::CallEnded(ended) => {
                let was_in = self.calls.remove(&ended.call);
                self.over.insert(ended.call);
                law(marks, "law: relay only in a call", was_in, || format!("{who} hears of the end of {:?}, and was not in it", ended.call))
            }
            Event::Candidates(batch) => {
                self.in_call(who, batch.call, event, marks)?;
                let next = self.candidates.entry((batch.call, batch.epoch)).or_insert(if self.is_whole { 0 } else { batch.from });
                let holds = batch.from == *next;
                *next = batch.from + batch.candidates.len() as u32;
                law(marks, "law: relay only in a call", holds, || {
                    format!("{who} hears candidates from {}, in another order: {batch:?}", batch.from)
                })
            }
            Event::CallExtended { call, .. }
            | Event::CallMoved { call }
            | Event::Chat { call, .. }
            | Event::ExtendAsked { call, .. }
            | Event::PeerLink { call, .. }
            | Event::Renegotiate { call, .. }
            | Event::Shared { call, .. } => self.in_call(who, *call, event, marks),
            Event::Description(description) => self.in_call(who, description.call, event, marks),
            Event::InviteExtended { .. } | Event::Left { .. } | Event::Notified(_) | Event::PairEnded { .. } | Event::Paired(_) => Ok(()),
        }
    }

    fn in_call(&self, who: UserId, call: CallId, event: &Event, marks: &mut Marks) -> Verdict {
        law(marks, "law: relay only in a call", self.calls.contains(&call), || format!("{who} hears {event:?} outside the call"))
    }

    fn view(&mut self, who: UserId, view: &View, marks: &mut Marks) -> Verdict {
        match view {
            View::Presence { .. } => hit!(marks, "view presence"),
            View::Window { version, size, places, .. } => {
                hit!(marks, "view window");
                self.window = people_in(places).filter_map(|(place, user)| Some((place, user?))).collect();
                (self.version, self.window_size) = (Some(*version), Some(*size));
            }
            View::WindowDelta { version, set, .. } => {
                hit!(marks, "view window_delta");
                let before = self.version;
                law(marks, "law: client and server see one window", before.is_some_and(|before| *version == before + 1), || {
                    format!("{who} has version {before:?} of the window and hears a delta to {version}")
                })?;
                self.version = Some(*version);
                for (place, user) in people_in(set) {
                    match user {
                        Some(user) => self.window.insert(place, user),
                        None => self.window.remove(&place),
                    };
                }
            }
        }
        Ok(())
    }
}

/// Whether an answer is kept with the facts that its command made.
fn makes_facts(done: &Done) -> bool {
    matches!(done, Done::Call { .. } | Done::Cooled { .. })
}

/// The number of a signal's command may be used again; that of others not.
pub(crate) fn is_numbered(command: &Command) -> bool {
    command.signal().is_none()
}

/// The mark of an event.
fn name(event: &Event) -> &'static str {
    match event {
        Event::CallEnded(_) => "event call_ended",
        Event::CallExtended { .. } => "event call_extended",
        Event::CallMoved { .. } => "event call_moved",
        Event::CallStarted(_) => "event call_started",
        Event::Candidates(_) => "event candidates",
        Event::Chat { .. } => "event chat",
        Event::Description(_) => "event description",
        Event::ExtendAsked { .. } => "event extend_asked",
        Event::InviteEnded { .. } => "event invite_ended",
        Event::InviteExtended { .. } => "event invite_extended",
        Event::Left { .. } => "event left",
        Event::Notified(_) => "event notified",
        Event::PairEnded { .. } => "event pair_ended",
        Event::Paired(_) => "event paired",
        Event::PeerLink { .. } => "event peer_link",
        Event::Rang { .. } => "event rang",
        Event::Renegotiate { .. } => "event renegotiate",
        Event::Shared { .. } => "event shared",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_core::kit::ids::PairId;
    use duologue_core::kit::time::Millis;
    use duologue_core::wire::{Card, Hello, State, Why};
    use std::sync::Arc;

    fn welcomed() -> (Ear, Marks) {
        let (mut ear, mut marks) = (Ear::default(), Marks::default());
        ear.said(&ClientMessage::Hello(Hello { token: "t".into(), client: None, resume: None, exclusive: false, sdp: 0 }));
        let empty = String::new();
        let card =
            Card { user: UserId(1), name: "p1".into(), gender: empty.clone(), selfie: empty.clone(), video: empty.clone(), tags: vec![] };
        let welcome = Welcome {
            user: Arc::new(card),
            resume: "r".into(),
            recovered: false,
            now: Millis(1),
            seq: 0,
            last_id: 0,
            grace: duologue_core::kit::time::Span(1),
            media_base: empty,
            state: State::default(),
        };
        assert_eq!(ear.hears(UserId(1), &ServerMessage::Welcome(Box::new(welcome)), &mut marks), Ok(()));
        (ear, marks)
    }

    fn event(seq: u64) -> ServerMessage {
        ServerMessage::Event { seq, event: Event::PairEnded { pair: PairId(1), why: Why::Timeout, waiting: false } }
    }

    fn law_of(verdict: Verdict) -> Option<&'static str> {
        verdict.err().map(|failure| failure.law)
    }

    #[test]
    fn a_gap_and_a_double_are_found() {
        for wrong in [1, 3, 9] {
            let (mut ear, mut marks) = welcomed();
            assert_eq!(law_of(ear.hears(UserId(1), &event(1), &mut marks)), None);
            assert_eq!(law_of(ear.hears(UserId(1), &event(wrong), &mut marks)), Some("law: seq without gap"), "{wrong} after 1");
        }
    }

    #[test]
    fn an_answer_that_was_not_asked_for_and_a_second_one_are_found() {
        let (mut ear, mut marks) = welcomed();
        let answer = ServerMessage::Ok { re: 4, done: Done::Empty };
        assert_eq!(law_of(ear.hears(UserId(1), &answer, &mut marks)), Some("law: one answer a number"));
        let (mut ear, mut marks) = welcomed();
        ear.said(&ClientMessage::Command { id: 4, command: Command::Leave });
        assert_eq!(law_of(ear.hears(UserId(1), &answer, &mut marks)), None);
        assert_eq!(law_of(ear.hears(UserId(1), &answer, &mut marks)), Some("law: one answer a number"));
    }

    #[test]
    fn a_line_outside_a_call_is_found() {
        let (mut ear, mut marks) = welcomed();
        let chat = Event::Chat { call: CallId(5), from: UserId(2), text: "hi".into(), at: Millis(2) };
        let verdict = ear.hears(UserId(1), &ServerMessage::Event { seq: 1, event: chat }, &mut marks);
        assert_eq!(law_of(verdict), Some("law: relay only in a call"));
    }
}
