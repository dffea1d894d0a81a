//! The documents that machines read say what the code does: the messages by golden vectors and by what damage does to them, HTTP by
//! the real server's routes and answers.

use duologue_core::wire::json::{decode_client, decode_server};
use duologue_core::wire::{ClientMessage, Closing, Reason, ServerMessage};
use duologue_tests::documents::messages::{self, Message, event_name, ok_name, view_name};
use duologue_tests::documents::{all, asyncapi, openapi, routes};
use duologue_tests::{Guest, Server, http, until, within};
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[test]
fn the_documents_are_those_of_the_tables() {
    for (path, text) in all() {
        let kept = std::fs::read_to_string(&path).expect("it is there");
        assert!(kept == text, "{} is another one: cargo run -p duologue-tests --bin documents", path.display());
    }
}

/// A schema that allows no field that it does not name: what we write ourselves is named whole.
fn closed(mut schema: Value) -> Value {
    match &mut schema {
        Value::Array(items) => items.iter_mut().for_each(|item| *item = closed(item.take())),
        Value::Object(map) => {
            map.values_mut().for_each(|value| *value = closed(value.take()));
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.insert("additionalProperties".into(), false.into());
            }
        }
        _ => {}
    }
    schema
}

/// What judges values by one place of a document.
fn judge(document: &Value, draft: Draft, place: &str, is_closed: bool) -> Validator {
    let mut schema = json!({ "allOf": [{ "$ref": place }], "components": document["components"], "paths": document["paths"] });
    if is_closed {
        schema = closed(schema);
    }
    jsonschema::options().with_draft(draft).build(&schema).unwrap_or_else(|error| panic!("{place} is no schema: {error}"))
}

/// Judges of every message, by its name in the document.
fn judges(is_closed: bool) -> BTreeMap<String, Validator> {
    let document = asyncapi();
    let names = document["components"]["messages"].as_object().expect("messages").keys();
    let of = |name: &String| judge(&document, Draft::Draft7, &format!("#/components/messages/{name}/payload"), is_closed);
    names.map(|name| (name.clone(), of(name))).collect()
}

fn vectors(text: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["json"].clone();
    text.lines().map(read).collect()
}

/// Golden vectors and the examples of the protocol's page.
fn said(vectors_of: &str, arrow: &str) -> Vec<Value> {
    let page = include_str!("../../docs/protocol.md").lines();
    let examples = page.filter_map(|line| Some(line.split_once(&format!("{arrow} {{"))?.0.len()).filter(|at| *at <= 4).map(|_| line));
    let examples = examples.map(|line| serde_json::from_str(&line[line.find('{').expect("there")..]).expect("JSON"));
    vectors(vectors_of).into_iter().chain(examples).collect()
}

fn client_said() -> Vec<Value> {
    said(include_str!("../vectors/client.jsonl"), "→")
}

fn server_said() -> Vec<Value> {
    said(include_str!("../vectors/server.jsonl"), "←")
}

/// The name in the document of what was said.
fn client_name(message: &Value) -> String {
    message["t"].as_str().expect("a type").into()
}

fn server_name(message: &Value) -> &'static str {
    match decode_server(message.to_string().as_bytes()).expect("a message") {
        ServerMessage::Closing { .. } => "closing",
        ServerMessage::Event { event, .. } => event_name(&event),
        ServerMessage::No { .. } => "no",
        ServerMessage::Ok { done, .. } => ok_name(&done),
        ServerMessage::Pong { .. } => "pong",
        ServerMessage::View(view) => view_name(&view),
        ServerMessage::Welcome(_) => "welcome",
    }
}

fn assert_accepted(judge: &Validator, name: &str, value: &Value) {
    let errors: Vec<String> = judge.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {value}\n{errors:#?}");
}

#[test]
fn everything_that_clients_say_is_in_the_document_and_whole() {
    let judges = judges(true);
    let mut seen = BTreeSet::new();
    for message in client_said() {
        let name = client_name(&message);
        assert_accepted(judges.get(&name).unwrap_or_else(|| panic!("{name} is not in the document")), &name, &message);
        seen.insert(name);
    }
    let beside = messages::beside_commands().into_iter();
    let table: BTreeSet<String> =
        messages::commands().into_iter().map(|command| command.message).chain(beside).map(|message| message.name).collect();
    assert_eq!(table, seen, "every message of the table has a vector");
}

#[test]
fn everything_that_the_server_says_is_in_the_document_and_whole() {
    let judges = judges(true);
    let mut always: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for message in server_said() {
        let name = server_name(&message);
        assert_accepted(judges.get(name).unwrap_or_else(|| panic!("{name} is not in the document")), name, &message);
        let fields: BTreeSet<String> = message.as_object().expect("an object").keys().cloned().collect();
        always.entry(name).and_modify(|always| always.retain(|field| fields.contains(field))).or_insert(fields);
    }
    let all = [messages::answers(), messages::beside_events(), messages::events(), messages::views()];
    let table: BTreeMap<String, Message> = all.into_iter().flatten().map(|message| (message.name.clone(), message)).collect();
    assert_eq!(table.keys().map(String::as_str).collect::<BTreeSet<_>>(), always.keys().copied().collect(), "every message has a vector");
    for (name, always) in always {
        // `no` and `peer_link` have several shapes. What may carry nothing is read as the bare `ok` then.
        let Some(required) = table[name].schema["required"].as_array().filter(|_| !matches!(name, "ok_signal" | "ok_uses")) else {
            continue;
        };
        let required: BTreeSet<String> = required.iter().map(|field| field.as_str().expect("a name").into()).collect();
        assert_eq!(required, always, "{name}: what is required is what is always there");
    }
}

#[test]
fn every_code_is_in_the_document() {
    let judges = judges(true);
    for closing in Closing::ALL {
        let closing = json!({ "t": "closing", "code": closing.code(), "reconnect": closing.reconnect() });
        assert_accepted(&judges["closing"], "closing", &closing);
    }
    let codes: BTreeSet<&str> = REASONS.iter().map(|reason| reason.code()).collect();
    let seen: BTreeSet<String> =
        server_said().iter().filter(|said| said["t"] == "no").map(|no| no["code"].as_str().expect("a code").into()).collect();
    assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), codes, "every code has a vector, which is judged above");
}

/// One of each; a code that is added does not compile in `core` before its vector is there.
const REASONS: [Reason; 20] = {
    use duologue_core::kit::time::{Millis, Span};
    [
        Reason::Answered,
        Reason::field("", ""),
        Reason::Busy,
        Reason::Cooldown { until: Millis(0) },
        Reason::Expired,
        Reason::InvalidDuration,
        Reason::InvalidTarget,
        Reason::NoAccess,
        Reason::NotInLobby,
        Reason::NotMember,
        Reason::NotYours,
        Reason::Offline,
        Reason::RateLimited { retry_after: Span(0) },
        Reason::TooLarge,
        Reason::TooManyInvites,
        Reason::Unavailable { retry_after: Span(0) },
        Reason::UnknownCall,
        Reason::UnknownCode,
        Reason::UnknownInvite,
        Reason::UnknownUser,
    ]
};

/// What takes a value's place: of every type, and just within and beyond every bound that there is.
fn instead(of: &Value) -> Vec<Option<Value>> {
    let mut all: Vec<Option<Value>> = vec![None];
    let numbers = [0_u64, 1, u64::from(u32::MAX), u64::from(u32::MAX) + 1, (1 << 53) - 1, 1 << 53];
    all.extend(numbers.map(|number| Some(number.into())));
    all.extend(
        [json!(null), json!(true), json!(-1), json!(1.5), json!([]), json!({}), json!(["x"]), json!([7]), json!({ "x": 7 })].map(Some),
    );
    let lengths = [0, 1, 8, 32, 33, 64, 65, 256, 257, 1_000, 1_001];
    all.extend(lengths.map(|length| Some("x".repeat(length).into())));
    all.extend(["main", "Main", "a/b", "a:b", "ü", "0123ABCD-4567-89ab-cdef-00112233445F", "offer"].map(|text| Some(text.into())));
    if let Value::Array(items) = of
        && let Some(first) = items.first()
    {
        all.extend([8, 9, 64, 65, 1_024, 1_025].map(|count| Some(Value::Array(vec![first.clone(); count]))));
    }
    if let Value::Object(map) = of {
        let many = |count: usize| (0..count).map(|n| (format!("k{n}"), map.values().next().cloned().unwrap_or_default())).collect();
        all.extend([10, 11].map(|count| Some(Value::Object(many(count)))));
    }
    all
}

/// Every value inside of a message, by its pointer; `t` stays, for it says what the message is.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item)).collect(),
        Value::Object(map) => map.iter().map(|(name, item)| (format!("{at}/{name}"), item)).collect(),
        _ => Vec::new(),
    };
    for (place, child) in children.into_iter().filter(|(place, _)| place != "/t") {
        places(child, &place, found);
        found.push(place);
    }
}

/// Everything that damage in one place makes of a message.
fn damaged(message: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    places(message, "", &mut found);
    let mut all = Vec::new();
    for place in found {
        for instead in instead(message.pointer(&place).expect("it is there")) {
            let mut damaged = message.clone();
            let (parent, last) = place.rsplit_once('/').expect("a pointer");
            match (instead, damaged.pointer_mut(parent).expect("its parent")) {
                (Some(value), Value::Object(map)) => drop(map.insert(last.into(), value)),
                (None, Value::Object(map)) => drop(map.remove(last)),
                (Some(value), Value::Array(items)) => items[last.parse::<usize>().expect("a number")] = value,
                (None, Value::Array(items)) => drop(items.remove(last.parse().expect("a number"))),
                _ => unreachable!("a parent has children"),
            }
            all.push(damaged);
        }
    }
    all
}

/// The schema of what clients say and the code that reads it judge alike, whatever is done to a message.
#[test]
fn schema_and_decoder_refuse_the_same() {
    let judges = judges(false);
    let (mut accepted, mut refused) = (0, 0);
    for message in client_said() {
        let name = client_name(&message);
        // Nonsense in it is no fault, for it is a hint; the document says what it should be.
        if name == "ack" {
            continue;
        }
        for damaged in damaged(&message) {
            let is_read = match decode_client(damaged.to_string().as_bytes()) {
                Ok(ClientMessage::Ack { .. } | ClientMessage::Ping) => unreachable!("`t` stays"),
                Ok(ClientMessage::Command { .. } | ClientMessage::Hello(_)) => true,
                Err(_) => false,
            };
            assert_eq!(judges[&name].is_valid(&damaged), is_read, "{name}: {damaged}");
            if is_read { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted > 1_000 && refused > 5_000, "{accepted} were accepted and {refused} refused");
}

/// What our client cannot read is no message of the document.
#[test]
fn what_is_no_message_of_the_server_is_none_of_the_document() {
    let judges = judges(false);
    let mut refused = 0;
    for message in server_said() {
        let name = server_name(&message);
        for damaged in damaged(&message) {
            if decode_server(damaged.to_string().as_bytes()).is_err() {
                assert!(!judges[name].is_valid(&damaged), "{name}: {damaged}");
                refused += 1;
            }
        }
    }
    assert!(refused > 5_000, "only {refused}");
}

/// A path with something in the place of its names.
fn filled(path: &str) -> String {
    let user = "0f3c5d1e-8a61-4b07-9d2f-1c2b3a4d5e6f";
    [("{user}", user), ("{file}", "none.jpg"), ("{code}", "K7M2Q9RTXA"), ("{id}", "5"), ("{rest}", "reports")]
        .into_iter()
        .fold(path.into(), |path: String, (name, value)| path.replace(name, value))
}

/// No route is undocumented, no documented one is missing: every path that the server has, with every method.
#[tokio::test]
async fn every_route_is_in_the_document_and_no_other() {
    let ours: BTreeSet<String> = duologue_server::http::paths().into_iter().map(|path| path.replace("{*", "{")).collect();
    let table = routes();
    assert_eq!(table.iter().map(|route| route.path.to_string()).collect::<BTreeSet<_>>(), ours);
    let server = Server::start().await;
    for path in ours {
        for method in ["delete", "get", "patch", "post", "put"] {
            let answer = http::send(server.at, &method.to_ascii_uppercase(), &filled(&path), &[], b"").await;
            let is_taken = (answer.status, answer.field("code")) != (405, json!("method_not_allowed"));
            let is_documented = table.iter().any(|route| route.path == path && route.method == method);
            assert_eq!(is_taken, is_documented, "{method} {path}: {}", answer.status);
        }
    }
}

/// Asks the server, and holds each answer against the document.
struct Asking {
    document: Value,
    seen: BTreeSet<(String, String, u16)>,
}

type Headers<'a> = &'a [(&'a str, &'a str)];

impl Asking {
    /// The answer to this, which is of `status`, as the document says it of `path`.
    async fn ask(&mut self, at: SocketAddr, (method, path): (&str, &str), sent: (&str, Headers<'_>, &[u8]), status: u16) -> http::Bytes {
        let (real, headers, body) = sent;
        let answer = if status == 101 {
            upgraded(at, real, headers).await
        } else {
            http::send(at, &method.to_ascii_uppercase(), real, headers, body).await
        };
        assert_eq!(answer.status, status, "{method} {real}: {}", String::from_utf8_lossy(&answer.body));
        let mut place = format!("/paths/{}/{method}/responses/{status}", path.replace('/', "~1"));
        let mut response = self.document.pointer(&place).unwrap_or_else(|| panic!("{method} {path} has no {status}"));
        if let Some(shared) = response["$ref"].as_str() {
            place = shared.trim_start_matches('#').into();
            response = self.document.pointer(&place).expect("it is there");
        }
        let of_problem = |name| answer.header(name).is_some();
        assert_eq!(of_problem("retry-after"), response.get("headers").is_some(), "{method} {path} {status}");
        assert_eq!(of_problem("www-authenticate"), status == 401, "{method} {path} {status}");
        match response["content"].as_object().and_then(|content| content.iter().next()) {
            None => assert!(answer.body.is_empty(), "{method} {path} {status} has no body"),
            Some((kind, _)) => {
                let said = answer.header("content-type").unwrap_or_default();
                assert_eq!(said.split(';').next(), Some(kind.as_str()), "{method} {path} {status}");
                if kind.ends_with("json") {
                    // A URI has no braces.
                    let place = format!("#{place}/content/{}/schema", kind.replace('/', "~1")).replace('{', "%7B").replace('}', "%7D");
                    // The documents themselves are any object.
                    let judge = judge(&self.document, Draft::Draft202012, &place, true);
                    assert_accepted(&judge, &format!("{method} {path} {status}"), &serde_json::from_slice(&answer.body).expect("JSON"));
                }
            }
        }
        self.seen.insert((method.into(), path.into(), status));
        answer
    }
}

/// The head of an answer that becomes something else.
async fn upgraded(at: SocketAddr, path: &str, headers: Headers<'_>) -> http::Bytes {
    let fields: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = TcpStream::connect(at).await.expect("it listens");
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n{fields}\r\n").as_bytes()).await.expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("a head", stream.read_u8()).await.expect("it answers"));
    }
    let head = String::from_utf8(head).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    http::Bytes { status, head, body: Vec::new() }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const SOMEBODY: &str = "b7e02c9a-44d1-4c3e-8f5b-6a7980112233";

/// A picture of one colour.
fn picture() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(32, 32, image::Rgb([40, 90, 160])).write_to(&mut png, image::ImageFormat::Png).expect("a picture");
    png.into_inner()
}

impl Asking {
    /// What does not need a token.
    async fn strangers(&mut self, server: &Server) {
        let at = server.at;
        for path in ["/health", "/health/live", "/health/ready", "/metrics", "/v1/quic"] {
            self.ask(at, ("get", path), (path, &[], b""), 200).await;
        }
        for path in ["/openapi.json", "/asyncapi.json"] {
            let answer = self.ask(at, ("get", path), (path, &[], b""), 200).await;
            assert_eq!(
                serde_json::from_slice::<Value>(&answer.body).expect("JSON"),
                if path == "/openapi.json" { openapi() } else { asyncapi() }
            );
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "asked for again each time, and 304 where it is the same");
            let etag = answer.header("etag").expect("one").to_string();
            self.ask(at, ("get", path), (path, &[("if-none-match", &etag)], b""), 304).await;
        }
        let upgrade = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ];
        let ws = ("get", "/v1/ws");
        self.ask(at, ws, ("/v1/ws", &upgrade, b""), 101).await;
        self.ask(at, ws, ("/v1/ws", &[], b""), 400).await;
        self.ask(at, ws, ("/v1/ws", &[&upgrade[..], &[("origin", "https://elsewhere.example")]].concat(), b""), 403).await;
        self.ask(at, ws, ("/v1/ws", &[&upgrade[..3], &[("sec-websocket-version", "8")]].concat(), b""), 426).await;
        for route in routes().iter().filter(|route| route.statuses().contains(&401)) {
            let asked = (route.method, route.path);
            self.ask(at, asked, (&filled(route.path), &[], b""), 401).await;
        }
    }

    /// Bodies that are none.
    async fn wrong_bodies(&mut self, server: &Server, signed: (&str, &str)) {
        let long = vec![b' '; 70_000];
        for (method, path) in [("post", "/v1/guests"), ("patch", "/v1/me"), ("post", "/v1/blocks"), ("post", "/v1/reports")] {
            let asked = (method, path);
            self.ask(server.at, asked, (path, &[signed, JSON], b"{"), 400).await;
            self.ask(server.at, asked, (path, &[signed, JSON], &long), 413).await;
            self.ask(server.at, asked, (path, &[signed, ("content-type", "text/plain")], b"{}"), 415).await;
            self.ask(server.at, asked, (path, &[signed, JSON], br#"{"name":7,"user":7}"#), 422).await;
        }
    }

    async fn people(&mut self, server: &Server) -> Guest {
        let at = server.at;
        let body = json!({ "name": "Ann", "gender": "female" }).to_string();
        let made = self.ask(at, ("post", "/v1/guests"), ("/v1/guests", &[JSON], body.as_bytes()), 201).await;
        let token = made.field("token").as_str().expect("a token").to_string();
        let user = made.field("user")["user"].as_str().expect("an id").to_string();
        let bearer = format!("Bearer {token}");
        let signed = ("authorization", bearer.as_str());
        let me = ("get", "/v1/me");
        self.ask(at, me, ("/v1/me", &[signed], b""), 200).await;
        let patch = json!({ "tags": ["lang:en"], "selfie": null }).to_string();
        self.ask(at, ("patch", "/v1/me"), ("/v1/me", &[signed, JSON], patch.as_bytes()), 200).await;
        self.wrong_bodies(server, signed).await;
        self.history(server, &Guest { user: user.clone(), token: token.clone(), name: "Ann".into() }).await;
        self.safety(server, signed, &user).await;
        self.pictures(server, signed).await;
        for route in routes().iter().filter(|route| route.statuses() == [401, 404, 429, 503]) {
            self.ask(at, (route.method, route.path), (&filled(route.path), &[signed], b""), 404).await;
        }
        Guest { user, token, name: "Ann".into() }
    }

    /// A call, and what is kept of it.
    async fn history(&mut self, server: &Server, ann: &Guest) {
        let bearer = format!("Bearer {}", ann.token);
        let signed = ("authorization", bearer.as_str());
        let mut hers = duologue_tests::Client::open(server.at, ann).await;
        hers.ok("join", json!({})).await;
        let mut his = server.in_lobby("Bob").await;
        let call = hers.call(&mut his, 300).await;
        hers.ok("chat", json!({ "call": call, "text": "hello" })).await;
        hers.ok("hang_up", json!({ "call": call })).await;
        let history = ("get", "/v1/history");
        let answer = self.ask(server.at, history, ("/v1/history?limit=5", &[signed], b""), 200).await;
        assert_eq!(answer.field("calls")[0]["chat"][0]["text"], "hello", "the judged answer has everything in it");
        self.ask(server.at, history, ("/v1/history?limit=0", &[signed], b""), 422).await;
    }

    async fn safety(&mut self, server: &Server, signed: (&str, &str), own: &str) {
        let at = server.at;
        for (path, whom, status) in [
            ("/v1/blocks", SOMEBODY, 201),
            ("/v1/blocks", own, 422),
            ("/v1/reports", own, 422),
            // Without a call between the two.
            ("/v1/reports", "c1d2e3f4-0000-4a5b-8c6d-7e8f90a1b2c3", 404),
        ] {
            let body = json!({ "user": whom, "reason": "insults" }).to_string();
            self.ask(at, ("post", path), (path, &[signed, JSON], body.as_bytes()), status).await;
        }
        let calls = server.history(&Guest { user: own.into(), token: signed.1.replace("Bearer ", ""), name: String::new() }).await;
        let body = json!({ "user": calls[0]["peer"]["user"], "reason": "insults", "call": calls[0]["call"] }).to_string();
        self.ask(at, ("post", "/v1/reports"), ("/v1/reports", &[signed, JSON], body.as_bytes()), 201).await;
        let unblock = ("delete", "/v1/blocks/{user}");
        self.ask(at, unblock, (&format!("/v1/blocks/{SOMEBODY}"), &[signed], b""), 204).await;
        self.ask(at, unblock, ("/v1/blocks/nobody", &[signed], b""), 404).await;
    }

    async fn pictures(&mut self, server: &Server, signed: (&str, &str)) {
        let at = server.at;
        let (put, png) = (("put", "/v1/me/selfie"), ("content-type", "image/png"));
        let whole = picture();
        let answer = self.ask(at, put, ("/v1/me/selfie", &[signed, png], &whole), 200).await;
        let reference = format!("/media/{}", answer.field("user")["selfie"].as_str().expect("a reference"));
        self.ask(at, put, ("/v1/me/selfie", &[signed, png], &whole[..whole.len() / 2]), 422).await;
        self.ask(at, put, ("/v1/me/selfie", &[signed, png], &vec![0; 600 * 1024]), 413).await;
        self.ask(at, put, ("/v1/me/selfie", &[signed, ("content-type", "text/plain")], &whole), 415).await;
        // Not a chunk of anything.
        let broken = [signed, png, ("transfer-encoding", "chunked")];
        self.ask(at, put, ("/v1/me/selfie", &broken, b"nonsense\r\n"), 400).await;
        let get = ("get", "/media/{user}/{file}");
        let picture = self.ask(at, get, (&reference, &[], b""), 200).await;
        let etag = picture.header("etag").expect("one").to_string();
        self.ask(at, get, (&reference, &[("if-none-match", &etag)], b""), 304).await;
        self.ask(at, get, (&filled("/media/{user}/{file}"), &[], b""), 404).await;
    }

    /// Everything too often, on a server with neither QUIC nor pictures.
    async fn too_often(&mut self) {
        let one = r#"{ per = "1/h", burst = 1 }"#;
        let (api, guests) = (format!("rates.api={one}"), format!("rates.guests={one}"));
        let server = Server::with(&["rates.exempt=[]", &api, &guests, "quic.enabled=false", "media.store=none"]).await;
        let guest = server.guest("Ann").await;
        let bearer = format!("Bearer {}", guest.token);
        let signed = ("authorization", bearer.as_str());
        self.ask(server.at, ("get", "/v1/quic"), ("/v1/quic", &[], b""), 404).await;
        self.ask(server.at, ("put", "/v1/me/selfie"), ("/v1/me/selfie", &[signed, ("content-type", "image/png")], b""), 404).await;
        for route in routes().iter().filter(|route| route.statuses().contains(&429)) {
            let body =
                if route.path == "/v1/guests" { json!({ "name": "Ann" }) } else { json!({ "user": SOMEBODY, "reason": "" }) }.to_string();
            self.ask(server.at, (route.method, route.path), (&filled(route.path), &[signed, JSON], body.as_bytes()), 429).await;
        }
    }

    /// While more requests wait for the realm than may: a reply waits for its own facts, and the store is held up.
    async fn full(&mut self, server: &Server, ann: &Guest) {
        let bearer = format!("Bearer {}", ann.token);
        let signed = ("authorization", bearer.as_str());
        let database = server.folder.database();
        database.execute_batch("begin immediate").expect("the lock of who writes");
        let at = server.at;
        let name = json!({ "name": "Cleo" }).to_string();
        let mut waiting = JoinSet::new();
        let first = name.clone();
        let one_more = move || {
            let name = first.clone();
            async move { http::send(at, "POST", "/v1/guests", &[JSON], name.as_bytes()).await.status }
        };
        waiting.spawn(one_more());
        until("a row waits", || async { (server.health().await["store"]["backlog"] != 0).then_some(()) }).await;
        (0..600).for_each(|_| drop(waiting.spawn(one_more())));
        // From the first one that is refused on there is no room.
        assert_eq!(within("a refusal", waiting.join_next()).await.expect("some wait").expect("no panic"), 503);
        for route in routes().iter().filter(|route| route.statuses().contains(&503) && route.statuses().contains(&429)) {
            let body = if route.path == "/v1/guests" { name.clone() } else { json!({ "user": SOMEBODY, "reason": "" }).to_string() };
            self.ask(at, (route.method, route.path), (&filled(route.path), &[signed, JSON], body.as_bytes()), 503).await;
        }
        database.execute_batch("rollback").expect("it is ours");
        let mut statuses = BTreeSet::new();
        while let Some(status) = within("those who waited", waiting.join_next()).await {
            statuses.insert(status.expect("no panic"));
        }
        assert_eq!(statuses, BTreeSet::from([201, 503]), "who waited was answered in the end");
    }
}

/// Every answer that the document has is one of the real server's, and looks as it says.
#[tokio::test]
async fn the_servers_answers_are_those_of_the_document() {
    let mut asking = Asking { document: openapi(), seen: BTreeSet::new() };
    let server = Server::start().await;
    asking.strangers(&server).await;
    let ann = asking.people(&server).await;
    asking.too_often().await;
    asking.full(&server, &ann).await;
    let bearer = format!("Bearer {}", ann.token);
    asking.ask(server.at, ("delete", "/v1/session"), ("/v1/session", &[("authorization", &bearer)], b""), 204).await;
    let all = routes()
        .into_iter()
        .flat_map(|route| route.statuses().into_iter().map(move |status| (route.method.into(), route.path.into(), status)));
    // These are said by a realm that ends, with the one shared body that all others have.
    let at_the_end = |(_, path, status): &(String, String, u16)| *status == 503 && (path.starts_with("/health") || path == "/metrics");
    let missing: Vec<(String, String, u16)> = all.filter(|what| !at_the_end(what) && !asking.seen.contains(what)).collect();
    assert!(missing.is_empty(), "not brought about: {missing:#?}");
}

/// Every metric of a server that has everything on stands in `docs/operating.md` with its labels and their values, and no other.
#[tokio::test]
async fn every_metric_stands_in_the_table_and_no_other() {
    let page = include_str!("../../docs/operating.md");
    let table = page.lines().skip_while(|line| *line != "## Metrics").skip_while(|line| !line.starts_with("|---")).skip(1);
    let mut documented: BTreeMap<String, (BTreeSet<String>, &str)> = BTreeMap::new();
    for row in table.take_while(|line| line.starts_with('|')) {
        let (names, words) = row[2..].split_once(" | ").expect("two columns");
        // Labels have commas too, but no spaces behind them.
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let labels = labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(String::from).collect();
            assert!(documented.insert(name.into(), (labels, words)).is_none(), "{name} stands twice");
        }
    }
    let server = Server::start().await;
    let text = http::ask(server.at, "GET", "/metrics", None, None).await.body.as_str().expect("text").to_string();
    let mut seen = BTreeSet::new();
    for sample in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, _) = sample.split_once(' ').expect("a value");
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let name = name.strip_prefix("duologue_").expect("our own");
        let (documented, words) = documented.get(name).unwrap_or_else(|| panic!("{name} is not in docs/operating.md"));
        let pairs: Vec<(&str, &str)> = labels.trim_end_matches('}').split(',').filter_map(|label| label.split_once('=')).collect();
        assert_eq!(pairs.iter().map(|(label, _)| label.to_string()).collect::<BTreeSet<_>>(), *documented, "the labels of {name}");
        for (_, value) in pairs {
            assert!(words.contains(&format!("`{}`", value.trim_matches('"'))), "{value} of {name} is not explained");
        }
        seen.insert(name.to_string());
    }
    assert_eq!(documented.into_keys().collect::<BTreeSet<_>>(), seen);
}
