//! What the server writes in JSON, letter by letter where the contract has an opinion, and what a client of today makes of a
//! server of tomorrow.

use crate::samples;
use duologue_core::wire::json::{self, NotUnderstood, decode_server, encode_server};
use duologue_core::wire::{Closing, Marks, Reason, ServerMessage, State, Totals, View};

fn written(message: &ServerMessage) -> String {
    String::from_utf8(encode_server(message)).expect("JSON is UTF-8")
}

#[test]
fn a_state_without_anything_is_complete_all_the_same() {
    let text = written(&samples::welcome(State::default()));
    let empty = r#""state":{"lobby":null,"window":null,"invites":[],"ticket":null,"pair":null,"call":null,"unread":0}}"#;
    assert!(text.ends_with(empty), "{text}");
    let in_call = State { call: samples::full_state().call, ..State::default() };
    let text = written(&samples::welcome(in_call));
    assert!(text.contains(r#""extensions_left":3,"peer_link":{"state":"reconnecting","until":1760000000000}}"#), "{text}");
}

#[test]
fn an_emptied_place_is_its_number_alone_and_marks_stand_beside_the_card() {
    let card = samples::bare();
    let marks = Marks { cooldown_until: Some(duologue_core::kit::time::Millis(5)), introduced_by: None };
    let set = vec![(3, None), (4, Some((card.clone(), Marks::default()))), (5, Some((card, marks)))];
    let text = written(&ServerMessage::View(View::WindowDelta { version: 9, set, available: None }));
    let card = r#"{"user":"01900000-0000-7000-8000-00000000000a","name":"Ann \"é\" \\"}"#;
    let expected = format!(r#"{{"t":"window_delta","version":9,"set":[[3],[4,{card}],[5,{card},{{"cooldown_until":5}}]]}}"#);
    assert_eq!(text, expected);
}

#[test]
fn a_refusal_carries_what_one_needs_to_do_better() {
    let no = |reason| written(&ServerMessage::No { re: 5, reason });
    assert_eq!(no(Reason::Busy), r#"{"t":"no","re":5,"code":"busy"}"#);
    let wrong = no(Reason::field("seconds", "is missing"));
    assert_eq!(wrong, r#"{"t":"no","re":5,"code":"bad_message","field":"seconds","why":"is missing"}"#);
    let closing = ServerMessage::Closing { closing: Closing::Superseded, retry_after: None, why: None };
    assert_eq!(written(&closing), r#"{"t":"closing","code":"superseded","reconnect":false}"#);
}

#[test]
fn what_is_too_new_still_gives_what_must_not_be_lost() {
    let unknown = |seq, re, reconnect| Err(NotUnderstood::Unknown { seq, re, reconnect });
    assert_eq!(decode_server(br#"{"t":"waved","seq":7,"from":1}"#), unknown(Some(7), None, None));
    assert_eq!(decode_server(br#"{"t":"left","seq":8,"lobby":"main","why":"later"}"#), unknown(Some(8), None, None));
    assert_eq!(decode_server(br#"{"t":"no","re":5,"code":"later"}"#), unknown(None, Some(5), None));
    assert_eq!(decode_server(br#"{"t":"closing","code":"later","reconnect":true}"#), unknown(None, None, Some(true)));
    assert_eq!(decode_server(br#"{"seq":7}"#), Err(NotUnderstood::Malformed));
    let pong = decode_server(br#"{"t":"pong","now":5,"later":[]}"#).expect("a pong");
    assert_eq!(written(&pong), r#"{"t":"pong","now":5}"#);
}

#[test]
fn bodies_for_http_have_the_same_parts() {
    let card = String::from_utf8(json::card(&samples::bare())).expect("UTF-8");
    let me = json::me(
        &samples::bare(),
        &Totals::default(),
        &json::Access { allowed: true, ..Default::default() },
        duologue_core::kit::time::Millis(5),
    );
    let me = String::from_utf8(me).expect("UTF-8");
    let rest = r#""totals":{"seconds":0,"calls":0,"completed":0},"access":{"allowed":true},"expires":5}"#;
    assert_eq!(me, format!(r#"{{"user":{card},{rest}"#));
    let problem = String::from_utf8(json::problem(422, "Not understood", &Reason::field("name", "too long"))).expect("UTF-8");
    assert_eq!(problem, r#"{"title":"Not understood","status":422,"code":"bad_message","field":"name","why":"too long"}"#);
}
