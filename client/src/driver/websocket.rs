//! One WebSocket: how it is opened, what a frame says to the engine, how it is closed.

use super::socket::{Broken, Came};
use crate::Form;
#[cfg(feature = "tls")]
use crate::Roots;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
#[cfg(feature = "tls")]
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use duologue_core::wire::MESSAGE_MAX_BYTES;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_tungstenite::Connector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long a write may take before the link counts as broken.
const WRITE_WITHIN: Duration = Duration::from_secs(15);
/// How long the other side may take to answer a close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    form: Form,
    /// The close code that came.
    code: Option<u16>,
}

/// Where one leads to: the request that opens it, and what is believed there.
#[derive(Clone)]
pub(super) struct Target {
    request: Request,
    form: Form,
    #[cfg(feature = "tls")]
    tls: Arc<rustls::ClientConfig>,
}

impl Target {
    pub(super) fn parse(url: &str, form: Form) -> Result<Target, String> {
        let mut request = url.into_client_request().map_err(|error| format!("{url}: {error}"))?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(form.subprotocol()));
        Ok(Target {
            request,
            form,
            #[cfg(feature = "tls")]
            tls: Roots::web().config(),
        })
    }

    #[cfg(feature = "tls")]
    pub(super) fn trust(&mut self, roots: &Roots) {
        self.tls = roots.config();
    }
}

impl Socket {
    pub(super) async fn open(target: Target) -> Result<Box<Socket>, Broken> {
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_write_buffer_size(256 * 1024)
            .max_message_size(Some(MESSAGE_MAX_BYTES))
            .max_frame_size(Some(MESSAGE_MAX_BYTES));
        #[cfg(feature = "tls")]
        let opening =
            tokio_tungstenite::connect_async_tls_with_config(target.request, Some(config), true, Some(Connector::Rustls(target.tls)));
        #[cfg(not(feature = "tls"))]
        let opening = tokio_tungstenite::connect_async_with_config(target.request, Some(config), true);
        let (stream, _response) = opening.await.map_err(|_| Broken)?;
        Ok(Box::new(Socket { stream, form: target.form, code: None }))
    }

    /// The next thing that comes; ends once.
    pub(super) async fn next(&mut self) -> Came {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) if self.form == Form::Json => return Came::Message(text.as_bytes().to_vec()),
                Some(Ok(Message::Binary(bytes))) if self.form == Form::Binary => return Came::Message(bytes.to_vec()),
                Some(Ok(Message::Close(frame))) => self.code = frame.map(|frame| u16::from(frame.code)),
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                    return Came::Life;
                }
                Some(Err(_)) | None => return Came::End(self.code),
            }
        }
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        let message = match self.form {
            Form::Binary => Message::binary(bytes),
            Form::Json => match String::from_utf8(bytes) {
                Ok(text) => Message::text(text),
                Err(_) => return Err(Broken),
            },
        };
        match timeout(WRITE_WITHIN, self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Broken),
        }
    }

    /// Says that one is gone, and waits shortly for the answer, so that it arrives before the socket goes.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let close = async {
            if self.stream.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.stream.next().await {}
            }
        };
        let _ = timeout(CLOSE_WITHIN, close).await;
    }
}
