//! From a first packet to a stream: the handshake of QUIC, for WebTransport that of HTTP/3 and CONNECT, and the first bidirectional
//! stream of the client. All of it within one patience; whoever takes longer is told `no_hello`.

use crate::carrier::Shared;
use crate::line::Line;
use crate::tuning::{ALPN, H3};
use duologue_transport::Form;
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connection, Incoming, VarInt};
use std::fmt;
use tokio::time::timeout;
use web_transport_quinn::Request;
use web_transport_quinn::http::StatusCode;

/// The path of WebTransport.
const PATH: &str = "/v1/wt";
/// What asks for JSON there.
const JSON: &str = "form=json";
/// `no_hello`, for a connection that says nothing.
const NO_HELLO: u32 = 4006;

/// Why nothing came of a connection.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It broke off, or was refused.
    Broke(String),
    /// It took too long.
    Slow,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Broke(why) => f.write_str(why),
            Failed::Slow => f.write_str("it took too long"),
        }
    }
}

fn broke(error: impl fmt::Display) -> Failed {
    Failed::Broke(error.to_string())
}

/// Opens a connection as far as its stream.
pub(crate) async fn open(shared: &Shared, incoming: Incoming) -> Result<(Line, Form), Failed> {
    let mut connection = None;
    let opened = timeout(shared.config.opening_patience, async {
        let mut connecting = incoming.accept().map_err(broke)?;
        let alpn = connecting.handshake_data().await.map_err(broke)?.downcast::<HandshakeData>().ok().and_then(|data| data.protocol);
        let opened = connection.insert(connecting.await.map_err(broke)?).clone();
        match alpn.as_deref() {
            Some(ALPN) => Ok((raw(opened).await?, Form::Postcard)),
            Some(H3) => web(shared, opened).await,
            _ => Err(Failed::Broke("neither of the two protocols".into())),
        }
    });
    match opened.await {
        Ok(opened) => opened,
        Err(_) => {
            if let Some(connection) = connection {
                connection.close(VarInt::from_u32(NO_HELLO), b"");
            }
            Err(Failed::Slow)
        }
    }
}

async fn raw(connection: Connection) -> Result<Line, Failed> {
    let (send, recv) = connection.accept_bi().await.map_err(broke)?;
    Ok(Line::Raw { connection, send, recv })
}

async fn web(shared: &Shared, connection: Connection) -> Result<(Line, Form), Failed> {
    let request = Request::accept(connection).await.map_err(broke)?;
    let refused = match () {
        () if request.url.path() != PATH => Some(StatusCode::NOT_FOUND),
        () if !shared.host.admits(request.url.authority(), &request.headers) => Some(StatusCode::FORBIDDEN),
        () => None,
    };
    if let Some(status) = refused {
        let connection = request.conn().clone();
        request.reject(status).await.map_err(broke)?;
        // The answer must arrive before the connection goes with its last handle.
        connection.closed().await;
        return Err(Failed::Broke(format!("refused with {status}")));
    }
    let form = if request.url.query() == Some(JSON) { Form::Json } else { Form::Postcard };
    let session = request.ok().await.map_err(broke)?;
    let (send, recv) = session.accept_bi().await.map_err(broke)?;
    Ok((Line::Web { session: Box::new(session), send, recv }, form))
}
