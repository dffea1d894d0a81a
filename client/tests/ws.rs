//! The driver against a real WebSocket whose other end says what its script says.

use duologue_client::{Client, Config, ConnectError, End, Event, Form};
use duologue_core::kit::ids::ClientId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::*;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

struct Server {
    listener: TcpListener,
    form: Form,
}

/// One link, as the server has it.
struct Link {
    stream: WebSocketStream<TcpStream>,
    form: Form,
}

impl Server {
    async fn new(form: Form) -> Server {
        Server { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port"), form }
    }

    fn url(&self) -> String {
        format!("ws://{}/v1/ws", self.listener.local_addr().expect("an address"))
    }

    fn config(&self) -> Config {
        Config { form: self.form, backoff_first: Span::millis(20), ..Config::new("token", ClientId(5), 7) }
    }

    /// The next link and its hello.
    async fn accept(&self) -> (Link, Hello) {
        let (socket, _) = self.listener.accept().await.expect("a link");
        #[expect(clippy::result_large_err, reason = "the library's own callback")]
        let agree = |request: &Request, mut response: Response| {
            let name = request.headers().get("sec-websocket-protocol").expect("names its form").clone();
            response.headers_mut().insert("sec-websocket-protocol", name);
            Ok(response)
        };
        let stream = tokio_tungstenite::accept_hdr_async(socket, agree).await.expect("a handshake");
        let mut link = Link { stream, form: self.form };
        let Some(ClientMessage::Hello(hello)) = link.hears().await else { panic!("says hello first") };
        (link, hello)
    }
}

impl Link {
    async fn hears(&mut self) -> Option<ClientMessage> {
        match self.stream.next().await? {
            Ok(Message::Text(text)) if self.form == Form::Json => Some(json::decode_client(text.as_bytes()).expect("understood")),
            Ok(Message::Binary(bytes)) if self.form == Form::Binary => Some(binary::decode_client(&bytes).expect("understood")),
            other => panic!("{other:?}"),
        }
    }

    async fn says(&mut self, message: ServerMessage) {
        let message = match self.form {
            Form::Json => Message::text(String::from_utf8(json::encode_server(&message)).expect("UTF-8")),
            Form::Binary => Message::binary(binary::encode_server(&message)),
        };
        self.stream.send(message).await.expect("written");
    }

    async fn welcomes(&mut self, recovered: bool, seq: u64) {
        let empty = String::new;
        let card = Card {
            user: duologue_core::kit::ids::UserId(1),
            name: "Ann".into(),
            gender: empty(),
            selfie: empty(),
            video: empty(),
            tags: vec![],
        };
        let welcome = Welcome {
            user: Arc::new(card),
            resume: "resume".into(),
            recovered,
            now: Millis(1_760_000_000_000),
            seq,
            last_id: 0,
            grace: Span::secs(10),
            media_base: empty(),
            state: State::default(),
        };
        self.says(ServerMessage::Welcome(Box::new(welcome))).await;
    }

    async fn closes(mut self, closing: Closing) {
        let frame = CloseFrame { code: closing.number().into(), reason: "".into() };
        self.stream.close(Some(frame)).await.expect("written");
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}

async fn in_both_forms<F: Future<Output = ()>>(tell: impl Fn(Form) -> F) {
    tell(Form::Json).await;
    tell(Form::Binary).await;
}

#[tokio::test]
async fn a_command_is_awaited_across_a_lost_link() {
    in_both_forms(|form| async move {
        let server = Server::new(form).await;
        let script = async {
            let (mut link, hello) = server.accept().await;
            assert_eq!((hello.token.as_str(), hello.client, hello.resume), ("token", Some(ClientId(5)), None));
            link.welcomes(false, 0).await;
            let join = ClientMessage::Command { id: 1, command: Command::Join { lobby: None } };
            assert_eq!(link.hears().await.as_ref(), Some(&join));
            drop(link);
            let (mut link, hello) = server.accept().await;
            assert_eq!(hello.resume, Some(Resume { token: "resume".into(), seq: 0, window: None }));
            link.welcomes(true, 0).await;
            assert_eq!(link.hears().await, Some(join));
            link.says(ServerMessage::Ok { re: 1, done: Done::Joined { lobby: "main".into() } }).await;
            match link.stream.next().await {
                Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1000),
                other => panic!("leaves with a clean close, not {other:?}"),
            }
        };
        let program = async {
            let mut client = Client::connect_with(&server.url(), server.config()).await.expect("welcomed");
            assert_eq!(client.command(Command::Join { lobby: None }).await, Ok(Done::Joined { lobby: "main".into() }));
            assert!(matches!(client.next().await, Some(Event::Welcomed(_))));
            assert!(matches!(client.next().await, Some(Event::Reconnecting { .. })));
            assert!(matches!(client.next().await, Some(Event::Welcomed(welcome)) if welcome.recovered));
            assert_eq!(client.look(|engine, _| engine.unanswered()).await, Some(0));
            client.leave().await;
        };
        tokio::join!(script, program);
    })
    .await;
}

#[tokio::test]
async fn a_closing_that_says_no_ends_the_client() {
    in_both_forms(|form| async move {
        let server = Server::new(form).await;
        let script = async {
            let (link, _) = server.accept().await;
            link.closes(Closing::BadToken).await;
        };
        let program = async {
            let refused = Client::connect_with(&server.url(), server.config()).await.expect_err("refused");
            assert!(matches!(refused, ConnectError::Ended(End::Closed(Closing::BadToken))), "{refused}");
        };
        tokio::join!(script, program);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_tried_again() {
    let server = Server::new(Form::Json).await;
    let url = server.url();
    let (address, config) = (server.listener.local_addr().expect("an address"), server.config());
    let script = async {
        // Whoever listens goes with the first attempt unanswered; the next ones meet nobody until the port is taken again.
        drop(server.listener.accept().await.expect("an attempt"));
        drop(server);
        let server = Server { listener: TcpListener::bind(address).await.expect("the same port"), form: Form::Json };
        let (mut link, _) = server.accept().await;
        link.welcomes(false, 0).await;
        link
    };
    let (_link, client) = tokio::join!(script, Client::connect_with(&url, config));
    client.expect("welcomed").leave().await;
}

#[tokio::test]
async fn what_is_no_address_is_said_at_once() {
    let refused = Client::connect("http//nowhere", "token").await.expect_err("no address");
    assert!(matches!(refused, ConnectError::Address(_)), "{refused}");
}
