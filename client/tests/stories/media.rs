//! The signaling of a call, seen from the application: what its peer connection is told to do, and what it did.

use crate::script::{Story, call_started, story};
use duologue_client::{Config, Event, Input, NegotiationInput, NegotiationOutput};
use duologue_core::kit::ids::{CallId, ClientId};
use duologue_core::kit::time::Span;
use duologue_core::wire::{self, Candidate, Candidates, ClientMessage, Command, Description, Done, Reason, SdpKind};

fn description(epoch: u32, kind: SdpKind, sdp: &str) -> Description {
    Description { call: CallId(7), epoch, kind, sdp: sdp.into() }
}

fn peer(s: &mut Story, input: NegotiationInput) -> &mut Story {
    s.input(Input::Peer(input));
    s
}

fn seated(s: &mut Story, seq: u64, initiator: bool, epoch: u32) -> &mut Story {
    let started = wire::CallStarted { initiator, epoch, ..call_started(7, true) };
    let started = wire::Event::CallStarted(Box::new(started));
    s.event(seq, started.clone()).told(Event::Happened(started)).told(Event::Peer(NegotiationOutput::Renew { epoch }))
}

/// Up to the offer's being on its way, as command 1.
fn offered(s: &mut Story) -> &mut Story {
    seated(s, 1, true, 1).told(Event::Peer(NegotiationOutput::MakeOffer { restart: false }));
    peer(s, NegotiationInput::Made { epoch: 1, kind: SdpKind::Offer, sdp: "offer".into() });
    s.sent(1, Command::Description(description(1, SdpKind::Offer, "offer")))
}

#[test]
fn the_caller_offers_and_sets_the_answer() {
    story(|s| {
        offered(s).ok(1, Done::Signal { stale: false });
        let candidate = Candidate { candidate: "c".into(), mid: Some("0".into()), line: Some(0) };
        peer(s, NegotiationInput::LocalCandidate { epoch: 1, candidate: candidate.clone() });
        let candidates = Candidates { call: CallId(7), epoch: 1, from: 0, candidates: vec![candidate], done: false };
        s.sent(2, Command::Candidates(candidates)).told_nothing();
        let answer = description(1, SdpKind::Answer, "answer");
        s.event(2, wire::Event::Description(Box::new(answer.clone()))).told(Event::Peer(NegotiationOutput::SetRemote(answer)));
    });
}

#[test]
fn what_a_lost_link_kept_from_being_answered_is_sent_again() {
    story(|s| {
        offered(s).after(Span::secs(5)).sent_ack(1).comes_back();
        s.welcome(|welcome| (welcome.recovered, welcome.seq) = (true, 1));
        s.sent(1, Command::Description(description(1, SdpKind::Offer, "offer")));
    });
}

#[test]
fn sig_1_a_new_epoch_is_a_new_peer_connection_and_the_old_offer_is_forgotten() {
    story(|s| {
        offered(s).after(Span::secs(5)).sent_ack(1);
        s.event(2, wire::Event::Renegotiate { call: CallId(7), epoch: 2 });
        s.told(Event::Happened(wire::Event::Renegotiate { call: CallId(7), epoch: 2 }));
        s.told(Event::Peer(NegotiationOutput::Renew { epoch: 2 })).told(Event::Peer(NegotiationOutput::MakeOffer { restart: false }));
        s.comes_back();
        s.welcome(|welcome| (welcome.recovered, welcome.seq) = (true, 2)).sent_nothing();
    });
}

#[test]
fn a_signal_refused_for_the_moment_starts_all_again_later() {
    story(|s| {
        offered(s).no(1, Reason::RateLimited { retry_after: Span::secs(2) }).after(Span::secs(2));
        s.sent(2, Command::Renegotiate { call: CallId(7) }).ok(2, Done::Epoch { epoch: 2 });
        s.told(Event::Peer(NegotiationOutput::Renew { epoch: 2 }));
    });
}

#[test]
fn a_signal_refused_for_good_is_told() {
    story(|s| {
        offered(s).no(1, Reason::TooLarge).told(Event::SignalRefused(Reason::TooLarge));
        s.after(Span::secs(5)).sent_ack(1);
    });
}

#[test]
fn the_end_of_the_call_and_a_moved_seat_end_the_negotiation() {
    story(|s| {
        offered(s).event(2, wire::Event::CallMoved { call: CallId(7) }).whatever_told();
        peer(s, NegotiationInput::Needed { epoch: 1 }).sent_nothing().told_nothing();
        seated(s, 3, true, 2).event(4, wire::Event::CallEnded(Box::new(crate::calls::ended(7)))).whatever_told();
        peer(s, NegotiationInput::Made { epoch: 2, kind: SdpKind::Offer, sdp: "late".into() }).sent_nothing().told_nothing();
    });
}

#[test]
fn without_negotiation_signals_are_told_as_they_come() {
    let mut s = Story::new(Config { negotiate: false, ..Config::new("token", ClientId(1), 7) });
    s.opens();
    s.welcome(|_| {}).in_a_call(7);
    let offer = wire::Event::Description(Box::new(description(1, SdpKind::Offer, "offer")));
    s.event(2, offer.clone()).told(Event::Happened(offer)).told_nothing();
}

/// What one side has sent comes to the other as events; the peer connections do what they are told at once.
#[test]
fn two_clients_end_stable_with_each_others_descriptions() {
    let mut sides = [1_u128, 2].map(|client| Story::new(Config::new("token", ClientId(client), 7)));
    let mut seqs = [1, 1];
    for (i, s) in sides.iter_mut().enumerate() {
        s.opens();
        s.welcome(|_| {}).whatever_told();
        seated(s, 1, i == 0, 1);
    }
    let mut remote: [Vec<String>; 2] = Default::default();
    for _ in 0..20 {
        for i in 0..2 {
            for output in sides[i].take_peer_outputs() {
                let made = |kind, text: &str| NegotiationInput::Made { epoch: 1, kind, sdp: format!("{text} of {i}") };
                match output {
                    NegotiationOutput::MakeAnswer => drop(peer(&mut sides[i], made(SdpKind::Answer, "answer"))),
                    NegotiationOutput::MakeOffer { .. } => drop(peer(&mut sides[i], made(SdpKind::Offer, "offer"))),
                    NegotiationOutput::SetRemote(description) => {
                        remote[i].push(description.sdp);
                        peer(&mut sides[i], NegotiationInput::RemoteSet { epoch: 1 });
                    }
                    other => panic!("{other:?}"),
                }
            }
            for message in sides[i].take_sent() {
                let ClientMessage::Command { id, command: Command::Description(description) } = message else { continue };
                sides[i].ok(id, Done::Signal { stale: false });
                seqs[1 - i] += 1;
                sides[1 - i].event(seqs[1 - i], wire::Event::Description(Box::new(description)));
            }
        }
    }
    assert_eq!(remote, [vec!["answer of 1".to_owned()], vec!["offer of 0".to_owned()]]);
}
