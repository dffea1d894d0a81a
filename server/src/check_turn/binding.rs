//! STUN (RFC 8489, Binding): how a server sees this machine.

use super::fault::{Fault, Said};
use super::line::Line;
use super::{PATIENCE, instant, since};
use crate::clock;
use duologue_core::kit::time::Span;
use std::net::SocketAddr;
use std::time::Duration;
use turn_client_proto::stun::agent::{StunAgent, StunAgentPollRet};
use turn_client_proto::stun::types::TransportType;
use turn_client_proto::stun::types::attribute::{ErrorCode, XorMappedAddress};
use turn_client_proto::stun::types::message::{BINDING, Message, MessageWriteVec};
use turn_client_proto::stun::types::prelude::*;

/// Asks, and gives the address that the server sees, and how long its answer took.
pub(super) fn ask(mut line: Line) -> Result<(SocketAddr, Duration), Fault> {
    let begun = clock::boottime();
    let transport = if line.is_stream() { TransportType::Tcp } else { TransportType::Udp };
    let mut agent = StunAgent::builder(transport, line.here).request_retransmits(Duration::from_millis(500), PATIENCE, 4, PATIENCE).build();
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let request = agent.send_request(request, line.there, instant(begun)).map_err(|_| Fault::Silence)?;
    line.send(request.data.as_ref())?;
    loop {
        if let StunAgentPollRet::TransactionTimedOut(_) | StunAgentPollRet::TransactionCancelled(_) = agent.poll(instant(begun)) {
            return Err(Fault::Silence);
        }
        while let Some(again) = agent.poll_transmit(instant(begun)) {
            line.send(again.data)?;
        }
        if since(begun) > PATIENCE {
            return Err(Fault::Silence);
        }
        let Some(bytes) = line.next()? else { continue };
        let Ok(message) = Message::from_bytes(&bytes) else { continue };
        if message.is_response() && agent.handle_stun_message_with_time(&message, line.there, instant(begun)) {
            return answered(&message, begun);
        }
    }
}

fn answered(message: &Message<'_>, begun: Span) -> Result<(SocketAddr, Duration), Fault> {
    if let Ok(seen) = message.attribute::<XorMappedAddress>() {
        return Ok((seen.addr(message.transaction_id()), since(begun)));
    }
    let said = message.attribute::<ErrorCode>().map(|error| Said { code: error.code(), reason: error.reason().into() });
    let said = said.unwrap_or(Said { code: 200, reason: "without an address".into() });
    Err(Fault::Other { said, doing: "it was asked how it sees this machine" })
}
