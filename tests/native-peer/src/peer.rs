//! One peer connection, for one epoch of a call: it does what the client's engine says (`Event::Peer`) and says what it did
//! (`Input::Peer`). The WebRTC library is sans-IO as well, so here is its socket and its clock. It sends picture and sound, and counts
//! what comes.
//!
//! Its candidates: the address by which this machine reaches others, and what the call's servers give (`servers`).

use crate::clip::Clip;
use crate::servers::{Came, Servers};
use clap::ValueEnum;
use duologue_client::wire::{Candidate as Told, Description, IceServer, SdpKind};
use duologue_client::{NegotiationInput, NegotiationOutput};
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::time::Instant;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, Frequency, MediaData, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, CandidateKind, Event, IceConnectionState, Input, Output, Rtc};
use tokio::net::UdpSocket;
use tokio::time::sleep_until;

/// In decibels under the loudest: what is louder is no silence.
const SILENCE: i8 = -50;

/// What came and what went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub is_connected: bool,
    pub video_packets: u64,
    pub video_frames: u64,
    pub audio_packets: u64,
    /// Those of sound that somebody would hear, by the level that the sender says (RFC 6464).
    pub audible_packets: u64,
    pub frames_sent: u64,
}

/// What kinds of addresses are told to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// This machine's own.
    Host,
    /// As a STUN server sees it.
    Srflx,
    /// At a TURN server.
    Relay,
}

/// What is sent, and where.
struct Track {
    kind: MediaKind,
    clip: Clip,
    codec: Codec,
    rate: Frequency,
    /// Where the other side wants it.
    mid: Option<Mid>,
    next: Instant,
}

/// How far one's candidates are told.
#[derive(PartialEq, Eq)]
enum Candidates {
    /// They follow the first description.
    Held,
    Told,
    All,
}

pub struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    epoch: u32,
    /// Made with the remote offer, said when the answer is asked for.
    answer: Option<String>,
    /// One's own offer, until it is answered or taken back.
    offered: Option<SdpPendingOffer>,
    has_offered: bool,
    servers: Servers,
    kinds: Vec<Kind>,
    candidates: Candidates,
    tracks: [Track; 2],
    due: Instant,
    counts: Counts,
    /// What it has to say.
    said: Vec<NegotiationInput>,
}

impl Track {
    fn sound(now: Instant) -> Track {
        Track { kind: MediaKind::Audio, clip: Clip::sound(), codec: Codec::Opus, rate: Frequency::FORTY_EIGHT_KHZ, mid: None, next: now }
    }

    fn picture(now: Instant) -> Track {
        Track { kind: MediaKind::Video, clip: Clip::picture(), codec: Codec::Vp8, rate: Frequency::NINETY_KHZ, mid: None, next: now }
    }
}

impl Peer {
    /// For an epoch, with the servers of the call and the kinds of candidates that it may use.
    pub async fn new(epoch: u32, servers: &[IceServer], kinds: &[Kind]) -> Result<Peer, Error> {
        let (socket, address) = socket()?;
        let now = now();
        let servers = Servers::of(servers, address, now).await;
        let rtc = Rtc::builder().clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        Ok(Peer {
            rtc,
            socket,
            address,
            epoch,
            answer: None,
            offered: None,
            has_offered: false,
            servers,
            kinds: kinds.to_vec(),
            candidates: Candidates::Held,
            tracks: [Track::sound(now), Track::picture(now)],
            due: now,
            counts: Counts::default(),
            said: Vec::new(),
        })
    }

    fn track(&self, kind: MediaKind) -> &Track {
        self.tracks.iter().find(|track| track.kind == kind).expect("both are there")
    }

    fn track_mut(&mut self, kind: MediaKind) -> &mut Track {
        self.tracks.iter_mut().find(|track| track.kind == kind).expect("both are there")
    }

    pub fn counts(&self) -> Counts {
        Counts { frames_sent: self.track(MediaKind::Video).clip.sent(), ..self.counts }
    }

    /// Does what the engine says, but for `Renew`, which is a new peer.
    pub fn does(&mut self, output: NegotiationOutput) {
        let epoch = self.epoch;
        let done = match output {
            // A name that only the browser's own machine resolves is none for us; its checks show where it is.
            NegotiationOutput::AddCandidate(told) => {
                if let Ok(candidate) = Candidate::from_sdp_string(&told.candidate) {
                    self.servers.expect(candidate.addr(), now());
                    self.rtc.add_remote_candidate(candidate);
                }
                Ok(())
            }
            NegotiationOutput::MakeAnswer => self.make_answer(),
            NegotiationOutput::MakeOffer { restart } => self.make_offer(restart),
            NegotiationOutput::Rollback => {
                self.offered = None;
                Ok(())
            }
            NegotiationOutput::SetRemote(description) => self.set_remote(&description),
            NegotiationOutput::AddDone
            | NegotiationOutput::AskRenegotiate
            | NegotiationOutput::Renew { .. }
            | NegotiationOutput::SendCandidates(_)
            | NegotiationOutput::SendDescription(_) => Ok(()),
        };
        if done.is_err() {
            self.said.push(NegotiationInput::Failed { epoch });
        }
        self.drain();
    }

    /// What it has said since; to be told to the engine.
    pub fn take_said(&mut self) -> Vec<NegotiationInput> {
        std::mem::take(&mut self.said)
    }

    /// Waits for the network, the clock or the next frame, and goes on. It may be dropped and asked again.
    pub async fn goes_on(&mut self) {
        let mut buffer = [0; 2000];
        let frames = self.tracks.iter().filter(|track| self.counts.is_connected && track.mid.is_some()).map(|track| track.next);
        let next = frames.fold(self.due, Instant::min);
        tokio::select! {
            received = self.socket.recv_from(&mut buffer) => {
                // What an earlier packet of ours met comes as an error of this call, and means nothing.
                if let Ok((length, source)) = received {
                    self.received(source, &buffer[..length]);
                }
            }
            () = sleep_until(next.into()) => {
                self.takes(Input::Timeout(now()));
                self.send_frames();
            }
        }
        self.drain();
    }

    fn received(&mut self, source: SocketAddr, bytes: &[u8]) {
        match self.servers.takes(source, bytes, now()) {
            Came::Relayed(peer, data) => {
                if let Some(relayed) = self.servers.relayed() {
                    self.came(peer, relayed, &data);
                }
            }
            Came::Said => {}
            Came::Strange => self.came(source, self.address, bytes),
        }
    }

    fn came(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        let Ok(contents) = bytes.try_into() else { return };
        self.takes(Input::Receive(now(), Receive { proto: Protocol::Udp, source, destination, contents }));
    }

    fn takes(&mut self, input: Input<'_>) {
        if self.rtc.handle_input(input).is_err() {
            self.fail();
        }
        self.drain();
    }

    fn fail(&mut self) {
        self.counts.is_connected = false;
        self.said.push(NegotiationInput::Failed { epoch: self.epoch });
    }

    fn set_remote(&mut self, description: &Description) -> Result<(), ()> {
        match description.kind {
            SdpKind::Offer => {
                let offer = SdpOffer::from_sdp_string(&description.sdp).map_err(drop)?;
                self.answer = Some(self.rtc.sdp_api().accept_offer(offer).map_err(drop)?.to_sdp_string());
            }
            SdpKind::Answer => {
                let answer = SdpAnswer::from_sdp_string(&description.sdp).map_err(drop)?;
                let offered = self.offered.take().ok_or(())?;
                self.rtc.sdp_api().accept_answer(offered, answer).map_err(drop)?;
            }
        }
        self.said.push(NegotiationInput::RemoteSet { epoch: self.epoch });
        Ok(())
    }

    fn make_answer(&mut self) -> Result<(), ()> {
        let sdp = self.answer.take().ok_or(())?;
        self.made(SdpKind::Answer, sdp);
        Ok(())
    }

    fn make_offer(&mut self, restart: bool) -> Result<(), ()> {
        let mut change = self.rtc.sdp_api();
        if !self.has_offered {
            for track in &mut self.tracks {
                track.mid = Some(change.add_media(track.kind, Direction::SendRecv, None, None, None));
            }
        }
        if restart {
            change.ice_restart(true);
        }
        let (offer, offered) = change.apply().ok_or(())?;
        self.has_offered = true;
        self.offered = Some(offered);
        self.made(SdpKind::Offer, offer.to_sdp_string());
        Ok(())
    }

    fn made(&mut self, kind: SdpKind, sdp: String) {
        let epoch = self.epoch;
        self.said.push(NegotiationInput::Made { epoch, kind, sdp: self.without_unwanted(&sdp) });
        if self.candidates == Candidates::Held {
            self.candidates = Candidates::Told;
            self.tell(Candidate::host(self.address, "udp").expect("an address of this machine"));
        }
    }

    /// A later description names the candidates that were found before: without those of the kinds that are not wanted.
    fn without_unwanted(&self, sdp: &str) -> String {
        let is_wanted = |line: &&str| {
            let candidate = line.strip_prefix("a=").filter(|line| line.starts_with("candidate:"));
            candidate
                .and_then(|line| Candidate::from_sdp_string(line.trim_end()).ok())
                .is_none_or(|one| self.kinds.contains(&kind_of(&one)))
        };
        sdp.split_inclusive('\n').filter(is_wanted).collect()
    }

    /// Tells a candidate that was found, if it is of a kind that is wanted.
    fn tell(&mut self, candidate: Candidate) {
        let kind = kind_of(&candidate);
        if self.kinds.contains(&kind) {
            // All media go over one transport, that of the first section.
            let told = Told { candidate: candidate.to_sdp_string(), mid: None, line: Some(0) };
            self.said.push(NegotiationInput::LocalCandidate { epoch: self.epoch, candidate: told });
        }
        // What others see of the socket is nothing without the socket itself.
        if self.kinds.contains(&kind) || kind == Kind::Host && self.kinds.contains(&Kind::Srflx) {
            self.rtc.add_local_candidate(candidate);
        }
    }

    fn tell_found(&mut self) {
        if self.candidates != Candidates::Told {
            return;
        }
        for candidate in self.servers.take_found() {
            self.tell(candidate);
        }
        if self.servers.is_done() {
            self.candidates = Candidates::All;
            self.said.push(NegotiationInput::LocalDone { epoch: self.epoch });
        }
    }

    fn send_frames(&mut self) {
        let now = now();
        for at in 0..self.tracks.len() {
            let track = &mut self.tracks[at];
            let Some(mid) = track.mid.filter(|_| self.counts.is_connected && now >= track.next) else { continue };
            track.next = (track.next + track.clip.pace()).max(now);
            let Some(writer) = self.rtc.writer(mid) else { continue };
            let Some(pt) = writer.payload_params().find(|params| params.spec().codec == track.codec).map(|params| params.pt()) else {
                continue;
            };
            let (ticks, frame) = track.clip.next();
            // A frame that is not taken is lost; the other side asks for a new beginning.
            let _ = writer.write(pt, now, MediaTime::new(ticks, track.rate), frame);
            self.drain();
        }
    }

    /// Every change is followed by this, until there is nothing left but a time to wait for.
    fn drain(&mut self) {
        let servers_due = self.servers.poll(now());
        self.tell_found();
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Event(event)) => self.happened(event),
                Ok(Output::Timeout(due)) => {
                    self.due = servers_due.map_or(due, |servers_due| due.min(servers_due));
                    break;
                }
                Ok(Output::Transmit(packet)) if Some(packet.source) == self.servers.relayed() => {
                    self.servers.relay(packet.destination, &packet.contents, now());
                }
                // A socket without room loses the packet, as a network does.
                Ok(Output::Transmit(packet)) => drop(self.socket.try_send_to(&packet.contents, packet.destination)),
                Err(_) => return self.fail(),
            }
        }
        for (message, server) in self.servers.take_sends() {
            let _ = self.socket.try_send_to(&message, server);
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.counts.is_connected = true;
                let now = now();
                self.tracks.iter_mut().for_each(|track| track.next = now);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => self.said.push(NegotiationInput::Restart),
            Event::KeyframeRequest(_) => self.track_mut(MediaKind::Video).clip.begin_again(),
            Event::MediaAdded(added) if added.direction.is_sending() => self.track_mut(added.kind).mid = Some(added.mid),
            Event::MediaChanged(changed) if !changed.direction.is_sending() => {
                self.tracks.iter_mut().filter(|track| track.mid == Some(changed.mid)).for_each(|track| track.mid = None);
            }
            Event::MediaData(data) => self.count(&data),
            _ => {}
        }
    }

    fn count(&mut self, data: &MediaData) {
        let packets = **data.seq_range.end() - **data.seq_range.start() + 1;
        if data.params.spec().codec.is_video() {
            self.counts.video_packets += packets;
            self.counts.video_frames += 1;
        } else {
            self.counts.audio_packets += packets;
            self.counts.audible_packets += u64::from(data.ext_vals.audio_level.is_some_and(|level| level > SILENCE));
        }
    }
}

/// The one clock, read by who drives the connection.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// A socket at the address by which this machine reaches others; where it reaches nobody, at itself.
fn socket() -> Result<(UdpSocket, SocketAddr), Error> {
    let probe = StdSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // Nothing is sent: it chooses the way, and with it the address.
    let here = probe.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| probe.local_addr()).map(|address| address.ip());
    let socket = StdSocket::bind((here.unwrap_or(Ipv4Addr::LOCALHOST.into()), 0))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    if address.ip().is_unspecified() {
        return Err(Error::new(ErrorKind::AddrNotAvailable, "no address of this machine"));
    }
    Ok((UdpSocket::from_std(socket)?, address))
}

fn kind_of(candidate: &Candidate) -> Kind {
    match candidate.kind() {
        CandidateKind::Host => Kind::Host,
        CandidateKind::Relayed => Kind::Relay,
        CandidateKind::PeerReflexive | CandidateKind::ServerReflexive => Kind::Srflx,
    }
}
