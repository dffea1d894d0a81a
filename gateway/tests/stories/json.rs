//! The same over the JSON form, where a message may be half understood.

use crate::world::{Client, World, config, read};
use bytes::Bytes;
use duologue_core::input::{Input, LinkEnd};
use duologue_core::output::{FactNo, LinkEvent, Output, Welcomed};
use duologue_core::wire::{Closing, Command, Reason, State};
use duologue_gateway::{Gateway, Outward};
use duologue_transport::{ConnId, Down, Form, Up};

const CONN: ConnId = ConnId(1);

struct Json {
    w: World,
}

impl Json {
    fn new() -> Json {
        let mut w = World::new(config());
        w.gateway.handle_transport(w.now, Up::Opened { conn: CONN, address: 1, form: Form::Json, secret: [7; 32] });
        Json { w }
    }

    fn says(&mut self, text: &str) -> Vec<Outward> {
        self.w.gateway.handle_transport(self.w.now, Up::Message { conn: CONN, bytes: Bytes::from(text.as_bytes().to_vec()) });
        outwards(&mut self.w.gateway)
    }

    /// Says hello, is welcomed, and gives the text of the welcome.
    fn welcomed(&mut self) -> (Client, String) {
        let outwards_of_hello = self.says(r#"{"t":"hello","token":"token","later":[{}]}"#);
        let [Outward::Engine(Input::Attached(attach))] = &outwards_of_hello[..] else { panic!("{outwards_of_hello:?}") };
        let welcome = Box::new(Welcomed { user: crate::world::card(1), last_id: 3, state: State::default() });
        let event = LinkEvent::Welcomed { attach: attach.link, welcome };
        self.w.gateway.handle_released(self.w.now, Output::Event { to: attach.link, after: FactNo(0), event });
        let text = said(&outwards(&mut self.w.gateway));
        (Client { conn: CONN, link: attach.link, token: String::new() }, text)
    }
}

fn outwards(gateway: &mut Gateway) -> Vec<Outward> {
    gateway.check();
    std::iter::from_fn(|| gateway.poll_output()).collect()
}

fn said(outwards: &[Outward]) -> String {
    let [Outward::Down(Down::Send { bytes, .. })] = outwards else { panic!("{outwards:?}") };
    String::from_utf8(bytes.to_vec()).expect("JSON is text")
}

fn closing(outwards: &[Outward]) -> u16 {
    let Some(Outward::Down(Down::Close { code, last: Some(last), .. })) = outwards.first() else { panic!("{outwards:?}") };
    assert!(last.starts_with(br#"{"t":"closing","code":"#), "{last:?}");
    *code
}

#[test]
fn a_welcome_in_json() {
    let (_, text) = Json::new().welcomed();
    assert!(text.starts_with(r#"{"t":"welcome","user":{"#), "{text}");
    assert!(text.contains(r#""recovered":false,"now":1000000,"seq":0,"last_id":3,"grace_ms":10000"#), "{text}");
}

#[test]
fn json_that_is_no_hello_and_what_is_not_json() {
    for (text, code) in [
        (r#"{"t":"join","id":1}"#, Closing::NoHello),
        (r#"{"t":"nonsense"}"#, Closing::NoHello),
        ("[1]", Closing::NoHello),
        ("{", Closing::BadMessage),
        (r#"{"t":"hello"}"#, Closing::BadMessage),
    ] {
        assert_eq!(closing(&Json::new().says(text)), code.number(), "{text}");
    }
}

#[test]
fn a_malformed_command_with_an_id_is_answered_in_order_and_the_connection_lives_on() {
    let mut json = Json::new();
    let (ann, _) = json.welcomed();
    let asked = json.says(r#"{"t":"invite","id":5,"to":7,"seconds":60}"#);
    let [Outward::Engine(Input::Command { number: 5, command: Err(reason), .. })] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(reason.code(), "bad_message");
    let event = LinkEvent::Answered { number: 5, answer: Err(reason.clone()) };
    json.w.gateway.handle_released(json.w.now, Output::Event { to: ann.link, after: FactNo(0), event });
    let text = said(&outwards(&mut json.w.gateway));
    assert!(text.starts_with(r#"{"t":"no","re":5,"code":"bad_message""#), "{text}");
    let asked = json.says(r#"{"t":"leave","id":6}"#);
    assert_eq!(asked, [Outward::Engine(Input::Command { link: ann.link, number: 6, command: Ok(Command::Leave) })]);
}

#[test]
fn a_malformed_command_without_a_valid_id_closes() {
    for text in ["x", "{}", r#"{"t":"leave","id":0}"#, r#"{"t":"leave","id":1.5}"#, r#"{"t":"hello","token":"token"}"#, r#"{"t":"leave"}"#]
    {
        let mut json = Json::new();
        let (ann, _) = json.welcomed();
        let outwards = json.says(text);
        assert_eq!(closing(&outwards), Closing::BadMessage.number(), "{text}");
        assert_eq!(outwards[1..], [Outward::Engine(Input::Detached { link: ann.link, why: LinkEnd::Left })], "{text}");
    }
}

#[test]
fn a_form_nobody_knows_is_told_so_in_json() {
    let mut w = World::new(config());
    w.gateway.handle_transport(w.now, Up::Opened { conn: CONN, address: 1, form: Form::Unknown, secret: [7; 32] });
    assert_eq!(closing(&outwards(&mut w.gateway)), Closing::Unsupported.number());
}

#[test]
fn the_binary_form_has_no_half_understood_messages() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.up(Up::Message { conn: ann.conn, bytes: Bytes::from_static(br#"{"t":"leave","id":6}"#) });
    assert_eq!(w.closing_of(ann.conn), Some(Closing::BadMessage));
    let (_, last) = &w.closed[&ann.conn];
    let bytes = duologue_core::wire::binary::encode_server(last);
    assert_eq!(&read(&bytes.into()), last);
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Left });
    assert_eq!(Reason::field("x", "y").code(), "bad_message");
}
