//! Killed at any instant and started again on the same data: what was acknowledged is there, exactly once; calls go on.

use duologue_tests::{Client, Dice, Dropped, Server, http, until, within};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// A page that comes back after a restart: the same client, a resume token of before, of which the new process knows nothing.
async fn back(server: &Server, of: &Dropped) -> Client {
    let client = of.resume(server.at).await;
    assert_eq!(client.welcome["recovered"], false, "every resume token is unknown after a restart");
    client
}

/// CALL 12, 7; DUR; CON 5: both come back into the same call with the same end, and the cooldown holds after it.
#[tokio::test]
async fn a_call_survives_the_death_of_its_server() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let deadline = ann.started()["deadline"].clone();
    ann.ok("chat", json!({ "call": call, "text": "before" })).await;
    bob.hears("chat").await;
    let chatted = ann.next - 1;

    let left = server.kill().await;
    let (ann, bob) = (ann.dropped(), bob.dropped());
    let server = left.restart().await;
    let (mut ann, mut bob) = (back(&server, &ann).await, back(&server, &bob).await);
    for client in [&ann, &bob] {
        let state = &client.welcome["state"];
        assert_eq!((&state["call"]["call"], &state["call"]["deadline"], &state["call"]["here"]), (&json!(call), &deadline, &json!(false)));
        assert_eq!((&state["lobby"], &state["window"]), (&Value::Null, &Value::Null));
    }
    // Said again, the last command has its old answer and no second effect.
    assert_eq!(ann.welcome["last_id"], chatted);
    ann.say_as(chatted, "chat", json!({ "call": call, "text": "before" })).await;
    assert_eq!(ann.answer(chatted).await["t"], "ok");

    ann.ok("rejoin", json!({ "call": call })).await;
    let epoch = ann.hears("call_started").await["epoch"].as_u64().expect("an epoch");
    assert!(epoch > 1);
    bob.ok("rejoin", json!({ "call": call })).await;
    let started = bob.hears("call_started").await;
    assert_eq!((&started["deadline"], &started["here"], &started["initiator"]), (&deadline, &json!(true), &json!(false)));
    let epoch = started["epoch"].clone();
    assert_eq!(ann.hears("renegotiate").await["epoch"], epoch);
    ann.ok("description", json!({ "call": call, "epoch": epoch, "kind": "offer", "sdp": "v=0\r\n" })).await;
    bob.hears("description").await;
    bob.ok("chat", json!({ "call": call, "text": "after" })).await;
    assert_eq!(ann.hears("chat").await["text"], "after");
    bob.ok("hang_up", json!({ "call": call })).await;
    let ended = ann.hears("call_ended").await;
    bob.hears("call_ended").await;

    let user = bob.guest.user.clone();
    let server = server.kill().await.restart().await;
    let mut ann = back(&server, &ann.dropped()).await;
    let mut bob = back(&server, &bob.dropped()).await;
    bob.ok("join", json!({})).await;
    let refused = ann.no("invite", json!({ "to": user, "seconds": 60 }), "cooldown").await;
    assert_eq!(refused["cooldown_until"], ended["cooldown_until"]);
    for guest in [&ann.guest, &bob.guest] {
        let history = server.history(guest).await;
        let [row] = history.as_slice() else { panic!("one call: {history:?}") };
        let texts: Vec<&Value> = row["chat"].as_array().expect("lines").iter().map(|line| &line["text"]).collect();
        assert_eq!(texts, ["before", "after"]);
        assert_eq!(server.totals(guest).await, ended["totals"]);
    }
}

/// CALL 12: a deadline that passed while nobody ran ended the call at that deadline; nobody has to be there.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the clock that the server reads is what is awaited")]
async fn a_deadline_that_passed_meanwhile_ended_the_call_then() {
    let server = Server::with(&["invites.seconds_min=1"]).await;
    let (ann, bob, call) = server.in_call(1).await;
    let deadline = ann.started()["deadline"].as_u64().map(|ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms)).expect("a time");
    let guests = [ann.guest.clone(), bob.guest.clone()];
    let left = server.kill().await;
    until("the deadline has passed", || async { (SystemTime::now() > deadline).then_some(()) }).await;
    let server = left.restart().await;
    for guest in &guests {
        let row = until("it is history", || async { server.history(guest).await.pop() }).await;
        assert_eq!((&row["call"], &row["why"], &row["seconds"]), (&json!(call), &json!("deadline"), &json!(1)));
        assert_eq!(row["ended"].as_u64(), row["started"].as_u64().map(|at| at + 1_000), "not when the process came back");
        let mut client = Client::open(server.at, guest).await;
        assert_eq!(client.welcome["state"]["call"], Value::Null);
        client.catch_up().await;
    }
    assert_eq!(server.totals(&guests[0]).await, json!({ "seconds": 1, "calls": 1, "completed": 0 }));
}

/// CALL 6, 12: whoever does not come back in time after a restart ends the call for both.
#[tokio::test]
async fn who_does_not_come_back_after_a_restart_is_lost() {
    let server = Server::with(&["calls.recovery=300ms"]).await;
    let (ann, bob, call) = server.in_call(300).await;
    let (ann, guest) = (ann.dropped(), bob.guest.clone());
    let server = server.kill().await.restart().await;
    let mut ann = back(&server, &ann).await;
    if ann.welcome["state"]["call"]["call"] == call {
        ann.say("rejoin", json!({ "call": call })).await;
        assert_eq!(ann.hears("call_ended").await["why"], "peer_lost");
    }
    assert_eq!(server.history(&guest).await[0]["why"], "peer_lost");
}

/// PRE 5: after a restart nobody is present until they attach; lobby places, windows and rings are gone, cooldowns are not.
#[tokio::test]
async fn after_a_restart_nobody_is_there_until_they_come() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    let mut cat = server.in_lobby("Cat").await;
    let invite = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 60 })).await["invite"].clone();
    bob.hears("rang").await;
    let declined = cat.ok("invite", json!({ "to": bob.guest.user, "seconds": 60 })).await["invite"].clone();
    bob.hears("rang").await;
    let until = bob.ok("decline", json!({ "invite": declined })).await["cooldown_until"].clone();
    let ticket = cat.ok("pair", json!({ "filter": { "tags": ["lang:xx"] } })).await["since"].clone();
    let server = server.kill().await.restart().await;
    assert_eq!(server.health().await["connections"]["total"], 0);
    let mut ann = back(&server, &ann.dropped()).await;
    assert_eq!(ann.welcome["state"]["invites"], json!([]));
    ann.no("invite", json!({ "to": bob.guest.user, "seconds": 60 }), "offline").await;
    let mut bob = back(&server, &bob.dropped()).await;
    bob.no("accept", json!({ "invite": invite, "seconds": 60 }), "unknown_invite").await;
    let mut cat = back(&server, &cat.dropped()).await;
    assert_eq!(cat.welcome["state"]["ticket"]["since"], ticket, "PAIR 1: a wait survives");
    let refused = cat.no("invite", json!({ "to": bob.guest.user, "seconds": 60 }), "cooldown").await;
    assert_eq!(refused["cooldown_until"], until);
}

/// "Messages": ids of invites and calls are never given twice, also over restarts.
#[tokio::test]
async fn no_id_is_given_twice_over_restarts() {
    let mut server = Server::with(&["cooldowns.call=1ms"]).await;
    let guests = [server.guest("Ann").await, server.guest("Bob").await];
    let mut ids = Vec::new();
    for _ in 0..4 {
        let (mut ann, mut bob) = (Client::open(server.at, &guests[0]).await, Client::open(server.at, &guests[1]).await);
        bob.ok("join", json!({})).await;
        for _ in 0..3 {
            let invite = ann.ok("invite", json!({ "to": guests[1].user, "seconds": 60 })).await["invite"].clone();
            let call = bob.ok("accept", json!({ "invite": invite, "seconds": 60 })).await["call"].clone();
            ann.ok("hang_up", json!({ "call": call })).await;
            bob.hears("call_ended").await;
            ids.extend([invite, call].map(|id| id.as_u64().expect("an id")));
        }
        // The last one is rung and never answered: its id was said and is no fact.
        ids.push(ann.ok("invite", json!({ "to": guests[1].user, "seconds": 60 })).await["invite"].as_u64().expect("an id"));
        server = server.kill().await.restart().await;
    }
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    assert!(ids.iter().all(|id| *id < 1 << 53));
}

/// Counts answers until there are enough for this life of the server.
#[derive(Debug)]
struct Tally {
    answers: AtomicU64,
    most: u64,
    enough: Notify,
}

/// A command that was sent and not answered when the server died.
#[derive(Clone, Debug)]
struct Unanswered {
    who: usize,
    id: u64,
    command: &'static str,
    fields: Value,
}

/// Two people who call each other, talk and hang up for ever, and what they were told, over all lives of the server. A command
/// that was not answered is said again in the next one, under its number.
#[derive(Debug)]
struct Couple {
    number: usize,
    two: [Dropped; 2],
    unanswered: Option<Unanswered>,
    /// Calls that an `ok` named.
    calls: BTreeSet<u64>,
    /// Calls whose end was acknowledged.
    ended: BTreeSet<u64>,
    /// Acknowledged lines: in which call, at what instant.
    lines: BTreeMap<String, (u64, u64)>,
    /// Lines that were sent, answered or not.
    sent: BTreeSet<String>,
}

impl Couple {
    /// Lives until the server dies.
    async fn live(mut self, at: SocketAddr, tally: Arc<Tally>) -> Couple {
        let mut clients = [self.two[0].resume(at).await, self.two[1].resume(at).await];
        // It ends with the connection.
        let _ = self.go_on(&mut clients, &tally).await;
        self.two = clients.map(|client| client.dropped());
        self
    }

    async fn go_on(&mut self, clients: &mut [Client; 2], tally: &Tally) -> Option<Infallible> {
        let mut call = clients[0].welcome["state"]["call"]["call"].as_u64();
        // What was on its way when the server died: once, whatever had become of it.
        if let Some(Unanswered { who, id, command, fields }) = self.unanswered.clone() {
            self.say_as(clients, tally, who, id, command, fields).await?;
        }
        for who in [0, 1] {
            let Some(id) = call else { break };
            // What was said again may have been its end.
            let answer = self.say(clients, tally, who, "rejoin", json!({ "call": id })).await?;
            call = call.filter(|_| answer["t"] == "ok");
        }
        self.say(clients, tally, 1, "join", json!({})).await?;
        loop {
            let id = match call.take() {
                Some(id) => id,
                None => {
                    let to = clients[1].guest.user.clone();
                    let rung = self.say(clients, tally, 0, "invite", json!({ "to": to, "seconds": 60 })).await?;
                    let Some(invite) = rung["invite"].as_u64() else { continue };
                    let accepted = self.say(clients, tally, 1, "accept", json!({ "invite": invite, "seconds": 60 })).await?;
                    accepted["call"].as_u64().unwrap_or_else(|| panic!("it just rang: {accepted}"))
                }
            };
            for who in [0, 1, 1, 0] {
                let text = format!("{} {}", self.number, self.sent.len());
                self.sent.insert(text.clone());
                self.say(clients, tally, who, "chat", json!({ "call": id, "text": text })).await?;
            }
            self.say(clients, tally, self.sent.len() % 2, "hang_up", json!({ "call": id })).await?;
        }
    }

    async fn say(&mut self, clients: &mut [Client; 2], tally: &Tally, who: usize, command: &'static str, fields: Value) -> Option<Value> {
        let id = clients[who].next;
        clients[who].next += 1;
        self.say_as(clients, tally, who, id, command, fields).await
    }

    async fn say_as(
        &mut self,
        clients: &mut [Client; 2],
        tally: &Tally,
        who: usize,
        id: u64,
        command: &'static str,
        fields: Value,
    ) -> Option<Value> {
        self.unanswered = Some(Unanswered { who, id, command, fields: fields.clone() });
        let answer = clients[who].try_ask_as(id, command, fields.clone()).await?;
        self.unanswered = None;
        if answer["t"] == "ok" {
            let number = |of: &Value, field: &str| of[field].as_u64().expect("a number");
            match command {
                "accept" => drop(self.calls.insert(number(&answer, "call"))),
                "hang_up" => drop(self.ended.insert(number(&fields, "call"))),
                "chat" => {
                    let said = (number(&fields, "call"), number(&answer, "at"));
                    let before = self.lines.insert(fields["text"].as_str().expect("text").into(), said);
                    assert_eq!(before, None, "a line is acknowledged once");
                }
                _ => {}
            }
        } else {
            assert!(matches!(command, "accept" | "invite" | "rejoin"), "{command} {fields}: {answer}");
        }
        if tally.answers.fetch_add(1, Ordering::Relaxed) + 1 == tally.most {
            tally.enough.notify_one();
        }
        Some(answer)
    }

    /// Every acknowledged fact is in the database, exactly once, and nothing that was never said.
    fn assert_kept(&self, database: &rusqlite::Connection) {
        let mut rows = database.prepare("select text, call, at from chat where text like ?1 || ' %'").expect("a table");
        let rows = rows.query_map([self.number.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
        let mut unacknowledged = 0;
        let mut kept = BTreeMap::new();
        for row in rows {
            let (text, call, at): (String, i64, i64) = row.expect("a row");
            assert!(self.sent.contains(&text), "nobody said {text}");
            let row = (call as u64, at as u64);
            unacknowledged += usize::from(!self.lines.contains_key(&text));
            assert_eq!(kept.insert(text.clone(), row), None, "{text} is kept twice");
        }
        assert!(unacknowledged <= 1, "one command is on its way at a time");
        for (text, said) in &self.lines {
            assert_eq!(kept.get(text), Some(said), "{text} was acknowledged");
        }
        for call in &self.calls {
            let ended: Option<i64> = database
                .query_row("select ended from call where call = ?1", [*call as i64], |row| row.get(0))
                .unwrap_or_else(|error| panic!("call {call} was acknowledged: {error}"));
            assert!(!self.ended.contains(call) || ended.is_some(), "the end of {call} was acknowledged");
        }
    }
}

/// DUR, CON 5: killed at random instants while many people do durable things, every acknowledged fact is there exactly once,
/// whatever was said again after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_fact_is_there_once_however_often_it_is_killed() {
    let mut dice = Dice::thrown();
    let mut server = Server::with(&["cooldowns.call=1ms"]).await;
    let mut couples = Vec::new();
    for number in 0..12 {
        let mut two = Vec::new();
        for name in ["Ann", "Bob"] {
            two.push(server.enter(name).await.dropped());
        }
        let two = two.try_into().expect("two");
        let (calls, ended, lines, sent) = Default::default();
        couples.push(Couple { number, two, unanswered: None, calls, ended, lines, sent });
    }
    for _ in 0..8 {
        let tally = Arc::new(Tally { answers: AtomicU64::new(0), most: 100 + dice.below(900), enough: Notify::new() });
        let lives: Vec<_> = couples.into_iter().map(|couple| tokio::spawn(couple.live(server.at, tally.clone()))).collect();
        within("enough answers", tally.enough.notified()).await;
        let left = server.kill().await;
        couples = Vec::new();
        for life in lives {
            couples.push(within("the end of its connections", life).await.expect("no panic"));
        }
        server = left.restart().await;
        let database = server.folder.database();
        let whole: String = database.query_row("pragma integrity_check", (), |row| row.get(0)).expect("an answer");
        assert_eq!(whole, "ok");
        for couple in &couples {
            couple.assert_kept(&database);
        }
    }
    // The same over HTTP, and the totals of everybody are the sum of their history (CALL 8).
    for couple in &couples {
        for member in &couple.two {
            let mut history: Vec<Value> = Vec::new();
            loop {
                let before = history.last().map(|row| format!("&before={}", row["call"])).unwrap_or_default();
                let page = http::get(server.at, &format!("/v1/history?limit=100{before}"), Some(&member.guest.token)).await;
                history.extend(page["calls"].as_array().expect("a list").iter().cloned());
                if page["more"] != true {
                    break;
                }
            }
            let rows: BTreeMap<u64, &Value> = history.iter().map(|row| (row["call"].as_u64().expect("an id"), row)).collect();
            assert_eq!(rows.len(), history.len(), "a call is there once");
            let lines: Vec<&str> = history
                .iter()
                .flat_map(|row| row["chat"].as_array().expect("lines"))
                .map(|line| line["text"].as_str().expect("text"))
                .collect();
            assert_eq!(lines.iter().collect::<BTreeSet<_>>().len(), lines.len(), "a line is there once");
            for (text, (call, _)) in couple.lines.iter().filter(|(_, (call, _))| couple.ended.contains(call)) {
                // A call that began and ended within one millisecond is too short for the history, here too.
                let Some(row) = rows.get(call) else { panic!("call {call} of {text}") };
                assert!(row["chat"].to_string().contains(&format!("\"{text}\"")));
            }
            let totals = server.totals(&member.guest).await;
            assert_eq!(totals["calls"], json!(history.len()));
            let seconds: u64 = history.iter().map(|row| row["seconds"].as_u64().expect("seconds")).sum();
            assert_eq!(totals["seconds"], json!(seconds));
        }
    }
}
