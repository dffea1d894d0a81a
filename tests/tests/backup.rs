//! Backups as `docs/operating.md` says they are made: of a running server, in the middle of everything, and restored into an empty
//! folder.

use duologue_tests::{Client, Folder, Server};
use rusqlite::Connection;
use rusqlite::backup::Backup;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `sqlite3 FROM ".backup 'TO'"`
fn dot_backup(from: &Connection, to: &Path) {
    let mut to = Connection::open(to).expect("a new file");
    let backup = Backup::new(from, &mut to).expect("it begins");
    // A few pages at a time, so that the server writes in between.
    backup.run_to_completion(20, Duration::from_millis(1), None).expect("it comes to its end");
}

/// `sqlite3 FROM "vacuum into 'TO'"`
fn vacuum_into(from: &Connection, to: &Path) {
    from.execute("vacuum into ?1", [to.to_str().expect("text")]).expect("it comes to its end");
}

/// DUR, CALL 12, CON 5: what was acknowledged before the backup is in it, also of a call that goes on; and it is whole, although
/// lines of chat are written all the while.
async fn a_backup_of_a_running_server_has_what_was_acknowledged(make: fn(&Connection, &Path)) {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    ann.ok("chat", json!({ "call": call, "text": "before" })).await;
    let before = ann.next - 1;

    let is_over = Arc::new(AtomicBool::new(false));
    let goes_on = tokio::spawn({
        let is_over = is_over.clone();
        async move {
            let mut lines = 0;
            while !is_over.load(Ordering::Relaxed) {
                bob.ok("chat", json!({ "call": call, "text": "meanwhile" })).await;
                lines += 1;
            }
            (bob, lines)
        }
    });
    let backup = Folder::new();
    std::fs::create_dir_all(backup.path()).expect("a folder");
    let (database, to) = (server.folder.database(), backup.path().join("duologue.db"));
    tokio::task::spawn_blocking(move || make(&database, &to)).await.expect("no panic");
    is_over.store(true, Ordering::Relaxed);
    let (bob, lines) = goes_on.await.expect("nobody was refused meanwhile");
    assert!(lines > 0, "the server wrote while the backup was made");
    let (ann, bob) = (ann.dropped(), bob.dropped());
    server.kill().await;

    let check: String = backup.database().query_row("pragma integrity_check", (), |row| row.get(0)).expect("a word");
    assert_eq!(check, "ok");
    let server = Server::restored(backup).await;
    let database = server.folder.database();
    let kept: i64 = database.query_row("select count(*) from chat where text = 'before'", (), |row| row.get(0)).expect("a number");
    assert_eq!(kept, 1);
    for dropped in [ann, bob] {
        let mut client: Client = dropped.resume(server.at).await;
        assert_eq!(client.welcome["state"]["call"]["call"], call, "the call goes on");
        if client.guest.name == "Ann" {
            assert_eq!(client.welcome["last_id"], before);
            client.say_as(before, "chat", json!({ "call": call, "text": "before" })).await;
            assert_eq!(client.answer(before).await["t"], "ok", "said again it has its old answer");
        }
    }
}

#[tokio::test]
async fn a_backup_by_pages_is_whole() {
    a_backup_of_a_running_server_has_what_was_acknowledged(dot_backup).await;
}

#[tokio::test]
async fn a_backup_by_vacuum_is_whole() {
    a_backup_of_a_running_server_has_what_was_acknowledged(vacuum_into).await;
}
