//! SIG 5: descriptions and candidates are said compactly to who reads that, and plainly to who does not.

use crate::script::{Story, call_started, story_of};
use duologue_client::{COMPACT, Config, Event, Input, NegotiationInput, NegotiationOutput};
use duologue_core::kit::ids::CallId;
use duologue_core::wire::{self, Candidate, Candidates, ClientMessage, Command, Description, Done, Reason, SdpKind};
use duologue_signaling::compact::{Codec, Library};

fn sdp(name: &str) -> String {
    let head = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n\
                a=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:";
    format!("{head}{name}\r\na=ice-pwd:LrT5U9XUHPWxo4ynuxyA/8Lq\r\n")
}

fn candidate() -> Candidate {
    let candidate = "candidate:2359856564 1 udp 2122194687 192.0.2.1 60275 typ host generation 0 ufrag caLl network-id 1".into();
    Candidate { candidate, mid: Some("0".into()), line: Some(0) }
}

fn compact(config: &mut Config) {
    config.sdp = COMPACT;
}

fn codec() -> Codec {
    Codec::new(Library::built_in().into())
}

fn description(epoch: u32, kind: SdpKind, sdp: &str) -> Description {
    Description { call: CallId(7), epoch, kind, sdp: sdp.into() }
}

fn seated(s: &mut Story, initiator: bool) {
    let started = wire::CallStarted { initiator, ..call_started(7, true) };
    let started = wire::Event::CallStarted(Box::new(started));
    s.event(1, started.clone()).told(Event::Happened(started)).told(Event::Peer(NegotiationOutput::Renew { epoch: 1 }));
}

fn makes(s: &mut Story, epoch: u32, kind: SdpKind) -> Description {
    s.input(Input::Peer(NegotiationInput::Made { epoch, kind, sdp: sdp("caLl") }));
    match s.sends() {
        ClientMessage::Command { command: Command::Description(description), .. } => description,
        other => panic!("not a description: {other:?}"),
    }
}

/// Up to the offer, as command 1.
fn offers(s: &mut Story) -> Description {
    seated(s, true);
    s.told(Event::Peer(NegotiationOutput::MakeOffer { restart: false }));
    makes(s, 1, SdpKind::Offer)
}

#[test]
fn sig_5_two_who_read_it_speak_compactly() {
    story_of(compact, |s| {
        let mut other = codec();
        let offer = offers(s);
        assert!(offer.sdp.len() < sdp("caLl").len() / 3);
        assert_eq!(other.open_description(&offer.sdp).as_deref(), Ok(&*sdp("caLl")));
        s.ok(1, Done::Signal { stale: false });
        s.input(Input::Peer(NegotiationInput::LocalCandidate { epoch: 1, candidate: candidate() }));
        let ClientMessage::Command { command: Command::Candidates(batch), .. } = s.sends() else { panic!("not candidates") };
        assert_eq!(other.open_candidate(batch.candidates[0].clone()), Ok(candidate()));

        let answer = other.carry_description(&sdp("anSw"));
        s.event(2, wire::Event::Description(Box::new(description(1, SdpKind::Answer, &answer))));
        s.told(Event::Peer(NegotiationOutput::SetRemote(description(1, SdpKind::Answer, &sdp("anSw")))));
        s.input(Input::Peer(NegotiationInput::RemoteSet { epoch: 1 }));
        let candidates = vec![other.carry_candidate(&candidate())];
        s.event(3, wire::Event::Candidates(Box::new(Candidates { call: CallId(7), epoch: 1, from: 0, candidates, done: false })));
        s.told(Event::Peer(NegotiationOutput::AddCandidate(candidate())));
    });
}

#[test]
fn sig_5_who_is_told_that_the_other_does_not_read_it_begins_again_in_plain_words() {
    story_of(compact, |s| {
        offers(s);
        s.input(Input::Peer(NegotiationInput::LocalCandidate { epoch: 1, candidate: candidate() }));
        s.sends();
        s.no(1, Reason::field("sdp", "not read")).sent(3, Command::Renegotiate { call: CallId(7) });
        s.no(2, Reason::field("candidates", "not read")).sent_nothing();
        s.ok(3, Done::Epoch { epoch: 2 }).told(Event::Peer(NegotiationOutput::Renew { epoch: 2 }));
        s.told(Event::Peer(NegotiationOutput::MakeOffer { restart: false }));
        assert_eq!(makes(s, 2, SdpKind::Offer), description(2, SdpKind::Offer, &sdp("caLl")));
        s.input(Input::Peer(NegotiationInput::LocalCandidate { epoch: 2, candidate: candidate() }));
        let candidates = vec![candidate()];
        s.sent(5, Command::Candidates(Candidates { call: CallId(7), epoch: 2, from: 0, candidates, done: false }));
    });
}

#[test]
fn sig_5_a_plain_offer_is_answered_plainly() {
    story_of(compact, |s| {
        seated(s, false);
        let offer = description(1, SdpKind::Offer, &sdp("oFFr"));
        s.event(2, wire::Event::Description(Box::new(offer.clone()))).told(Event::Peer(NegotiationOutput::SetRemote(offer)));
        s.input(Input::Peer(NegotiationInput::RemoteSet { epoch: 1 }));
        s.told(Event::Peer(NegotiationOutput::MakeAnswer));
        assert_eq!(makes(s, 1, SdpKind::Answer), description(1, SdpKind::Answer, &sdp("caLl")));
    });
}

#[test]
fn sig_5_what_cannot_be_read_begins_a_new_epoch() {
    story_of(compact, |s| {
        seated(s, false);
        s.event(2, wire::Event::Description(Box::new(description(1, SdpKind::Offer, "~1.____"))));
        s.sent(1, Command::Renegotiate { call: CallId(7) });
    });
}
