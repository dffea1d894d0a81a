//! What clients may write in JSON, and what they are told about what they may not.

use duologue_core::kit::ids::{CallId, ClientId, InviteId, MAX_INTEGER, UserId};
use duologue_core::wire::json::{Malformed, decode_client, decode_profile};
use duologue_core::wire::{ClientMessage, Command, Filter, Hello, Patch, Reason, Resume};

fn read(text: &str) -> Result<ClientMessage, Malformed> {
    decode_client(text.as_bytes())
}

fn command(text: &str) -> Command {
    match read(text) {
        Ok(ClientMessage::Command { command, .. }) => command,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused(text: &str) -> (Option<u64>, String) {
    match read(text) {
        Err(Malformed { id, reason: Reason::BadMessage { field, .. }, .. }) => (id, field.unwrap_or_default().into_owned()),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn names_field(text: &str, field: &str) {
    assert_eq!(refused(text), (Some(5), field.to_owned()), "{text}");
}

const USER: &str = "0123ABCD-4567-89ab-cdef-00112233445F";

#[test]
fn a_hello_is_read_with_and_without_what_is_optional() {
    let bare = Hello { token: "x".into(), client: None, resume: None, exclusive: false, sdp: 0 };
    assert_eq!(read(r#"{"t":"hello","token":"x"}"#), Ok(ClientMessage::Hello(bare.clone())));
    let nulls = r#"{"t":"hello","token":"x","client":null,"resume":null,"exclusive":null,"sdp":null}"#;
    assert_eq!(read(nulls), Ok(ClientMessage::Hello(bare)));
    let full = r#"{"t":"hello","token":"x","client":"000102030405060708090A0b0c0d0e0f","resume":{"token":"r","seq":41,"window":17},"exclusive":true,"sdp":7}"#;
    let expected = Hello {
        token: "x".into(),
        client: Some(ClientId(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)),
        resume: Some(Resume { token: "r".into(), seq: 41, window: Some(17) }),
        exclusive: true,
        sdp: 7,
    };
    assert_eq!(read(full), Ok(ClientMessage::Hello(expected)));
}

#[test]
fn a_wrong_hello_is_still_a_hello_and_names_its_field() {
    for (text, expected) in [
        (r#"{"t":"hello"}"#, "token"),
        (r#"{"t":"hello","token":7}"#, "token"),
        (r#"{"t":"hello","token":"x","client":"00"}"#, "client"),
        (r#"{"t":"hello","token":"x","client":"g0102030405060708090a0b0c0d0e0f00"}"#, "client"),
        (r#"{"t":"hello","token":"x","exclusive":1}"#, "exclusive"),
        (r#"{"t":"hello","token":"x","sdp":4294967296}"#, "sdp"),
        (r#"{"t":"hello","token":"x","resume":"r"}"#, "resume"),
        (r#"{"t":"hello","token":"x","resume":{"token":"r"}}"#, "resume.seq"),
        (r#"{"t":"hello","token":"x","resume":{"token":"r","seq":-1}}"#, "resume.seq"),
    ] {
        let Err(malformed) = read(text) else { panic!("{text}") };
        assert!(malformed.is_json && malformed.is_hello && malformed.id.is_none(), "{text}: {malformed:?}");
        assert_eq!(refused(text), (None, expected.to_owned()));
    }
}

#[test]
fn what_is_not_json_is_told_from_json_that_is_no_message() {
    for text in ["", "{", "hello", "{\"t\":\"ping\"}x", "{\"t\":\"\u{1}\"}", "[1,]", "{\"t\":\"\\ud800\"}", "nul"] {
        assert!(!read(text).expect_err(text).is_json, "{text}");
    }
    assert!(!decode_client(b"{\"t\":\"\xff\"}").expect_err("not UTF-8").is_json);
    for text in ["[]", "5", "null", "\"hello\"", "{}", r#"{"t":5}"#, r#"{"t":null}"#, r#"{"t":"no_such"}"#] {
        let malformed = read(text).expect_err(text);
        assert!(malformed.is_json && !malformed.is_hello && malformed.id.is_none(), "{text}");
    }
}

#[test]
fn nesting_is_counted_to_sixteen_and_brackets_in_texts_are_not_nesting() {
    let nested = |levels: usize| format!(r#"{{"t":"ping","x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(read(&nested(16)), Ok(ClientMessage::Ping));
    assert!(!read(&nested(17)).expect_err("too deep").is_json);
    assert!(!read(&nested(30_000)).expect_err("far too deep").is_json);
    let numbered = |text: &str| read(text).expect_err("too deep").id;
    let deep = "[".repeat(16) + &"]".repeat(16);
    assert_eq!(numbered(&format!(r#"{{"t":"join","id":7,"x":{deep}}}"#)), Some(7), "a command is answered");
    assert_eq!(numbered(&format!(r#"{{"x":{{"id":1,"y":[{deep}]}},"s":"}}]\"[","id":7}}"#)), Some(7));
    for none in
        [r#"{"t":"hello","id":7,"x":@}"#, r#"{"x":{"id":7,"y":@}}"#, r#"[{"id":7,"y":@}]"#, r#"{"id":7,"x":@"#, r#"{"id":"7","x":@}"#]
    {
        assert_eq!(numbered(&none.replace('@', &deep)), None, "{none}");
    }
    let text = format!(r#"{{"t":"ping","x":"\"{}\\"}}"#, "[{".repeat(100));
    assert_eq!(read(&text), Ok(ClientMessage::Ping));
}

#[test]
fn a_field_said_twice_counts_as_said_last_and_unknown_ones_are_ignored() {
    let text = r#"{"t":"leave","id":1,"t":"accept","invite":1,"seconds":"x","id":5,"invite":2,"seconds":60,"later":{"t":1}}"#;
    let expected = ClientMessage::Command { id: 5, command: Command::Accept { invite: InviteId(2), seconds: 60 } };
    assert_eq!(read(text), Ok(expected));
}

#[test]
fn a_number_is_whole_and_within_what_every_reader_keeps() {
    let accept = |invite: &str| format!(r#"{{"t":"accept","id":5,"invite":{invite},"seconds":60}}"#);
    assert_eq!(command(&accept("9007199254740991")), Command::Accept { invite: InviteId(MAX_INTEGER), seconds: 60 });
    for wrong in ["9007199254740992", "1e2", "1.0", "-1", "-0", "\"1\"", "true", "null", "[]", "99999999999999999999999"] {
        names_field(&accept(wrong), "invite");
    }
    let seconds = |seconds: &str| format!(r#"{{"t":"accept","id":5,"invite":1,"seconds":{seconds}}}"#);
    assert_eq!(command(&seconds("4294967295")), Command::Accept { invite: InviteId(1), seconds: u32::MAX });
    for wrong in ["4294967296", "60.5", "6e1", "\"60\"", "null"] {
        names_field(&seconds(wrong), "seconds");
    }
    for id in ["0", "-1", "1.5", "\"1\"", "null", "9007199254740992"] {
        let text = format!(r#"{{"t":"leave","id":{id}}}"#);
        assert_eq!(refused(&text), (None, "id".to_owned()), "{text}");
    }
}

#[test]
fn a_command_that_is_not_understood_still_gives_its_number() {
    names_field(r#"{"t":"no_such","id":5}"#, "t");
    names_field(r#"{"id":5}"#, "t");
    names_field(r#"{"t":["leave"],"id":5}"#, "t");
    names_field(r#"{"t":"block","id":5,"user":"ann"}"#, "user");
    names_field(r#"{"t":"invite","id":5,"seconds":60}"#, "to");
    names_field(r#"{"t":"join","id":5,"lobby":"A B"}"#, "lobby");
    names_field(r#"{"t":"join","id":5,"lobby":""}"#, "lobby");
    names_field(r#"{"t":"description","id":5,"call":1,"epoch":1,"kind":"rollback","sdp":""}"#, "kind");
    names_field(r#"{"t":"candidates","id":5,"call":1,"epoch":1,"from":0,"candidates":[{"mid":"0"}]}"#, "candidates.candidate");
    names_field(r#"{"t":"candidates","id":5,"call":1,"epoch":1,"from":0,"candidates":[7]}"#, "candidates");
    names_field(r#"{"t":"window","id":5,"size":0}"#, "size");
    names_field(r#"{"t":"window","id":5,"filter":[]}"#, "filter");
    names_field(r#"{"t":"pair","id":5,"filter":{"tags":["Big"]}}"#, "filter.tags");
    names_field(r#"{"t":"pair","id":5,"filter":{"genders":[1]}}"#, "filter.genders");
    names_field(r#"{"t":"pair","id":5,"confirm":"yes"}"#, "confirm");
    names_field(r#"{"t":"reel","id":5}"#, "limit");
    names_field(r#"{"t":"share","id":5,"call":1,"contacts":{"mail":null}}"#, "contacts");
    names_field(r#"{"t":"profile","id":5,"selfie":"https://a b"}"#, "selfie");
    let long = "x".repeat(1_001);
    names_field(&format!(r#"{{"t":"report","id":5,"user":"{USER}","reason":"{long}"}}"#), "reason");
}

#[test]
fn defaults_stand_for_what_is_absent() {
    assert_eq!(command(r#"{"t":"join","id":5}"#), Command::Join { lobby: None });
    assert_eq!(command(r#"{"t":"window","id":5,"size":null}"#), Command::Window { size: 0, filter: Filter::default() });
    assert_eq!(command(r#"{"t":"pair","id":5}"#), Command::Pair { filter: Filter::default(), confirm: false });
    let report = format!(r#"{{"t":"report","id":5,"user":"{USER}","reason":"","call":null}}"#);
    let user = UserId(0x0123_abcd_4567_89ab_cdef_0011_2233_445f);
    assert_eq!(command(&report), Command::Report { user, reason: String::new(), call: None });
    let share = r#"{"t":"share","id":5,"call":1,"contacts":{"tel":"1","mail":"b","mail":"a"}}"#;
    let contacts = vec![("mail".to_owned(), "a".to_owned()), ("tel".to_owned(), "1".to_owned())];
    assert_eq!(command(share), Command::Share { call: CallId(1), contacts });
}

#[test]
fn nonsense_in_an_ack_is_no_fault() {
    assert_eq!(read(r#"{"t":"ack","seq":41}"#), Ok(ClientMessage::Ack { seq: 41 }));
    for text in [r#"{"t":"ack"}"#, r#"{"t":"ack","seq":-1}"#, r#"{"t":"ack","seq":"x"}"#, r#"{"t":"ack","seq":1e300}"#] {
        assert_eq!(read(text), Ok(ClientMessage::Ack { seq: 0 }), "{text}");
    }
}

#[test]
fn null_clears_in_a_profile() {
    let Command::Profile(patch) = command(r#"{"t":"profile","id":5,"name":"Mia","selfie":null,"tags":["lang:en"]}"#) else { panic!() };
    assert_eq!(patch.name, Patch::Set("Mia".into()));
    assert_eq!((patch.gender, patch.selfie), (Patch::Keep, Patch::Clear));
    assert_eq!(patch.tags, Patch::Set(vec!["lang:en".into()]));
    assert_eq!(decode_profile(br#"{"tags":null}"#).expect("a patch").tags, Patch::Clear);
    assert!(!decode_profile(b"{").expect_err("not JSON").is_json);
    assert_eq!(decode_profile(br#"{"video":""}"#).expect_err("no reference").reason.code(), "bad_message");
}
