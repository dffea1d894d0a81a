//! The process: what it says when it cannot start, and how it ends when it is asked to.

use duologue_tests::{Ended, Folder, Server, http, run, until};
use rustix::process::Signal;
use serde_json::json;
use std::time::Duration;

/// It ended with this code and said one line, which holds all of these.
fn assert_one_line(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let [line] = ended.errors.as_slice() else { panic!("one line: {ended:?}") };
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// "The process": a data folder in use exits 3, and who has it is not disturbed.
#[tokio::test]
async fn a_data_folder_in_use_exits_3() {
    let mut server = Server::start().await;
    let folder = server.folder.path().display().to_string();
    let ended = run(&["serve", "--listen", "127.0.0.1:0", "--data", &folder]).await;
    assert_one_line(&ended, 3, &[&folder, "--data", "in use"]);
    server.enter("Ann").await;
    server.assert_well();
    // Free again once its owner is gone, however it went.
    server.kill().await.restart().await;
}

/// "The process": unknown key, wrong type, out of range: exit 2 and one line that names key, value and what is allowed.
#[tokio::test]
async fn a_bad_configuration_exits_2_with_one_line() {
    let folder = Folder::new();
    let data = folder.path().display().to_string();
    for (set, parts) in [
        ("invites.rign=20s", &["invites.rign"] as &[&str]),
        ("invites.ring=20", &["invites.ring", "20"]),
        ("invites.ring=soon", &["invites.ring", "soon"]),
        ("connections.per_user=0", &["connections.per_user", "0"]),
        ("connections.per_user=-1", &["connections.per_user", "-1"]),
        ("connections.when_full=perhaps", &["connections.when_full", "perhaps", "close_oldest"]),
        ("calls.counted=1h", &["calls.co", "allowed"]),
        ("rates.chat={ per = 5 }", &["rates.chat"]),
        ("listen=nowhere", &["listen", "nowhere"]),
        ("nonsense", &["nonsense"]),
    ] {
        let ended = run(&["serve", "--data", &data, "--listen", "127.0.0.1:0", "--set", set]).await;
        assert_one_line(&ended, 2, parts);
        let checked = run(&["check-config", "--data", &data, "--set", set]).await;
        assert_eq!((checked.code, &checked.errors), (Some(2), &ended.errors), "said in the same words before it serves");
    }
    assert!(!folder.path().exists(), "nothing was made");
    let file = folder.path().with_extension("toml");
    std::fs::write(&file, "[invites]\nring = \"20s\"\nrnig = 1\n").expect("a file");
    let ended = run(&["serve", "--data", &data, "--config", &file.display().to_string()]).await;
    assert_one_line(&ended, 2, &["invites.rnig", &file.display().to_string()]);
    std::fs::remove_file(&file).expect("it is there");
    let ended = run(&["serve", "--config", &file.display().to_string()]).await;
    assert_one_line(&ended, 2, &[&file.display().to_string()]);
}

/// "What people see": a port in use names the port and the flag that changes it.
#[tokio::test]
async fn a_port_in_use_is_named_with_its_flag() {
    let server = Server::start().await;
    let folder = Folder::new();
    let ended = run(&["serve", "--listen", &server.at.to_string(), "--data", &folder.path().display().to_string()]).await;
    assert_one_line(&ended, 1, &[&server.at.port().to_string(), "--listen", "in use"]);
}

/// "The process": SIGTERM and SIGINT drain: everybody is told `going_away`, exit 0 within 5 s. CALL 12: no call ends by it.
#[tokio::test]
async fn asked_to_stop_it_says_goodbye_and_exits_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::in_memory().await;
        let (mut ann, mut bob, call) = server.in_call(300).await;
        let said = ann.ok("chat", json!({ "call": call, "text": "just before" })).await;
        if signal == Signal::INT {
            server.signal(signal);
        }
        let at = server.at;
        let ((ended, left), hers, his) = tokio::join!(server.terminate(), ann.ends(), bob.ends());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
        assert!(!ended.errors.iter().any(|line| line.contains("took too long")), "{:?}", ended.errors);
        for goodbye in [hers, his] {
            assert_eq!(goodbye, (Some("going_away".into()), Some(4002)));
        }
        assert!(tokio::net::TcpStream::connect(at).await.is_err(), "nobody listens any more");
        let server = left.restart().await;
        let ann = ann.dropped().resume(server.at).await;
        assert_eq!(ann.welcome["state"]["call"]["call"], call, "the call goes on");
        let database = server.folder.database();
        let at: i64 = database.query_row("select at from chat where text = 'just before'", (), |row| row.get(0)).expect("one row");
        assert_eq!(json!(at), said["at"]);
    }
}

/// "The process": clients that do not answer its goodbye do not keep it.
#[tokio::test]
async fn those_who_do_not_answer_do_not_keep_it() {
    let server = Server::in_memory().await;
    let (ann, bob, _) = server.in_call(300).await;
    let guest = ann.guest.clone();
    // Connections of every sort, and nobody reads them.
    let silent = duologue_tests::Client::silent(server.at, &guest, "").await;
    let bare = tokio::net::TcpStream::connect(server.at).await.expect("it listens");
    let (ended, _) = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    drop((ann, bob, silent, bare));
}

/// HTTP: health says what there is, the doors say what they are, and what was not asked properly is answered as such.
#[tokio::test]
async fn the_doors_beside_the_socket_say_what_they_are() {
    let server = Server::start().await;
    let ann = server.in_lobby("Ann").await;
    let health = server.health().await;
    assert_eq!((&health["status"], &health["connections"]["live"], &health["store"]["up"]), (&json!("ok"), &json!(1), &json!(true)));
    for path in ["/health/live", "/health/ready", "/metrics", "/"] {
        assert_eq!(http::ask(server.at, "GET", path, None, None).await.status, 200, "{path}");
    }
    let page = http::ask(server.at, "GET", "/", None, None).await;
    assert!(page.head.to_ascii_lowercase().contains("content-security-policy"), "{}", page.head);
    for (method, path, token, body, status, code) in [
        ("GET", "/v1/me", None, None, 401, "bad_token"),
        ("GET", "/v1/me", Some("wrong"), None, 401, "bad_token"),
        ("POST", "/v1/guests", None, Some(json!({ "name": "" })), 422, "bad_message"),
        ("POST", "/v1/guests", None, Some(json!({ "name": 7 })), 422, "bad_message"),
        ("PATCH", "/v1/me", Some(ann.guest.token.as_str()), Some(json!({ "gender": "dragon" })), 422, "bad_message"),
        ("POST", "/v1/blocks", Some(&ann.guest.token), Some(json!({ "user": "nobody" })), 422, "bad_message"),
        ("DELETE", "/v1/history", Some(&ann.guest.token), None, 405, "method_not_allowed"),
        ("POST", "/v1/guests", None, Some(json!({ "name": "x".repeat(70_000) })), 413, "too_large"),
    ] {
        let answer = http::ask(server.at, method, path, token, body.as_ref()).await;
        assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)), "{method} {path}");
        assert!(answer.head.to_ascii_lowercase().contains("application/problem+json"), "{}", answer.head);
    }
}

/// CON 1: signing out closes the connections with `bad_token`, and the token is worth nothing any more, also after a restart.
#[tokio::test]
async fn a_revoked_token_is_worth_nothing() {
    let server = Server::start().await;
    let mut ann = server.in_lobby("Ann").await;
    let token = ann.guest.token.clone();
    assert_eq!(http::ask(server.at, "DELETE", "/v1/session", Some(&token), None).await.status, 204);
    assert_eq!(ann.ends().await, (Some("bad_token".into()), Some(4103)));
    let server = server.kill().await.restart().await;
    let refused = until("the door answers", || async { Some(http::ask(server.at, "GET", "/v1/me", Some(&token), None).await) }).await;
    assert_eq!(refused.status, 401);
}
