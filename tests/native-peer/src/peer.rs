//! One peer connection, for one epoch of a call: it does what the client's engine says (`Event::Peer`) and says what it did
//! (`Input::Peer`). The WebRTC library is sans-IO as well, so here is its socket and its clock. It sends the clip, and counts what
//! comes.
//!
//! It has one candidate: the address by which this machine reaches others. Behind a router it would want a STUN server beside it;
//! `ice_servers` of the call says which.

use crate::clip::Clip;
use duologue_client::wire::{Candidate as Told, Description, SdpKind};
use duologue_client::{NegotiationInput, NegotiationOutput};
use std::io::{Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::time::Instant;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};
use tokio::net::UdpSocket;
use tokio::time::sleep_until;

/// What came and what went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub is_connected: bool,
    pub video_packets: u64,
    pub video_frames: u64,
    pub audio_packets: u64,
    pub frames_sent: u64,
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
    has_told_candidates: bool,
    /// Where the picture goes.
    video: Option<Mid>,
    clip: Clip,
    next_frame: Instant,
    due: Instant,
    counts: Counts,
    /// What it has to say.
    said: Vec<NegotiationInput>,
}

impl Peer {
    pub fn new(epoch: u32) -> Result<Peer, Error> {
        let (socket, address) = socket()?;
        let now = now();
        let rtc = Rtc::builder().clear_codecs().enable_opus(true, false).enable_vp8(true).build(now);
        Ok(Peer {
            rtc,
            socket,
            address,
            epoch,
            answer: None,
            offered: None,
            has_offered: false,
            has_told_candidates: false,
            video: None,
            clip: Clip::new(),
            next_frame: now,
            due: now,
            counts: Counts::default(),
            said: Vec::new(),
        })
    }

    pub fn counts(&self) -> Counts {
        Counts { frames_sent: self.clip.sent(), ..self.counts }
    }

    /// Does what the engine says, but for `Renew`, which is a new peer.
    pub fn does(&mut self, output: NegotiationOutput) {
        let epoch = self.epoch;
        let done = match output {
            // A name that only the browser's own machine resolves is none for us; its checks show where it is.
            NegotiationOutput::AddCandidate(told) => {
                Candidate::from_sdp_string(&told.candidate).map(|candidate| self.rtc.add_remote_candidate(candidate)).ok();
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
        let next = if self.sends() { self.due.min(self.next_frame) } else { self.due };
        tokio::select! {
            received = self.socket.recv_from(&mut buffer) => {
                // What an earlier packet of ours met comes as an error of this call, and means nothing.
                let Ok((length, source)) = received else { return };
                let Ok(contents) = buffer[..length].try_into() else { return };
                let receive = Receive { proto: Protocol::Udp, source, destination: self.address, contents };
                self.takes(Input::Receive(now(), receive));
            }
            () = sleep_until(next.into()) => {
                self.takes(Input::Timeout(now()));
                self.send_frame();
            }
        }
        self.drain();
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
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
            self.video = Some(change.add_media(MediaKind::Video, Direction::SendRecv, None, None, None));
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
        self.said.push(NegotiationInput::Made { epoch, kind, sdp });
        if std::mem::replace(&mut self.has_told_candidates, true) {
            return;
        }
        let candidate = Candidate::host(self.address, "udp").expect("an address of this machine");
        let text = candidate.to_sdp_string();
        self.rtc.add_local_candidate(candidate);
        // All media go over one transport, that of the first section.
        let candidate = Told { candidate: text, mid: None, line: Some(0) };
        self.said.push(NegotiationInput::LocalCandidate { epoch, candidate });
        self.said.push(NegotiationInput::LocalDone { epoch });
    }

    fn sends(&self) -> bool {
        self.counts.is_connected && self.video.is_some()
    }

    fn send_frame(&mut self) {
        let now = now();
        if !self.sends() || now < self.next_frame {
            return;
        }
        self.next_frame = (self.next_frame + self.clip.pace()).max(now);
        let Some(writer) = self.video.and_then(|mid| self.rtc.writer(mid)) else { return };
        let Some(pt) = writer.payload_params().find(|params| params.spec().codec == Codec::Vp8).map(|params| params.pt()) else { return };
        let (at, frame) = self.clip.next();
        // A frame that is not taken is lost; the other side asks for a new beginning.
        let _ = writer.write(pt, now, MediaTime::from_90khz(at), frame);
    }

    /// Every change is followed by this, until there is nothing left but a time to wait for.
    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Event(event)) => self.happened(event),
                Ok(Output::Timeout(due)) => {
                    self.due = due;
                    return;
                }
                // A socket without room loses the packet, as a network does.
                Ok(Output::Transmit(packet)) => drop(self.socket.try_send_to(&packet.contents, packet.destination)),
                Err(_) => return self.fail(),
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Connected => {
                self.counts.is_connected = true;
                self.next_frame = now();
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => self.said.push(NegotiationInput::Restart),
            Event::KeyframeRequest(_) => self.clip.begin_again(),
            Event::MediaAdded(added) if added.kind == MediaKind::Video && added.direction.is_sending() => self.video = Some(added.mid),
            Event::MediaChanged(changed) if Some(changed.mid) == self.video && !changed.direction.is_sending() => self.video = None,
            Event::MediaData(data) => {
                let packets = **data.seq_range.end() - **data.seq_range.start() + 1;
                if data.params.spec().codec.is_video() {
                    self.counts.video_packets += packets;
                    self.counts.video_frames += 1;
                } else {
                    self.counts.audio_packets += packets;
                }
            }
            _ => {}
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
