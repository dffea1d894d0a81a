//! The binary as a process: started, asked where it is, killed, told to stop, started again on the same data.

use crate::{Folder, PATIENCE, within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command as StdCommand, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// What tests want different from the defaults: addresses are all the same here, so nothing is limited by address, and calls
/// of any length are history.
const USUAL: [&str; 6] = [
    "rates.exempt=[\"127.0.0.0/8\"]",
    "rates.commands={ per = 0 }",
    "rates.chat={ per = 0 }",
    "rates.rings={ per = 0 }",
    "calls.counted=1ms",
    "presence.coalesce=20ms",
];

/// Where the binary is: `DUOLOGUE_BIN`, or beside the tests; made if it is not there.
pub fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        if let Some(path) = std::env::var_os("DUOLOGUE_BIN") {
            return PathBuf::from(path);
        }
        let test = std::env::current_exe().expect("the test has a path");
        let built = test.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps").to_path_buf();
        let path = built.join("duologue");
        if !path.exists() {
            let mut build = StdCommand::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            build.args(["build", "--bin", "duologue"]).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            if built.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().expect("cargo runs").success(), "the binary could not be built");
        }
        path
    };
    BINARY.get_or_init(find).clone()
}

/// How it is started.
#[derive(Clone, Debug)]
struct Line {
    listen: &'static str,
    words: Vec<String>,
    sets: Vec<String>,
}

impl Line {
    /// On loopback, with settings as `--set` takes them.
    fn with(sets: &[&str]) -> Line {
        Line { listen: "127.0.0.1:0", words: Vec::new(), sets: sets.iter().map(ToString::to_string).collect() }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub at: SocketAddr,
    /// Its id.
    pub pid: u32,
    /// Its data. Shared with the one that is started on it again.
    pub folder: Arc<Folder>,
    /// Where it says that other devices reach it.
    pub others: Vec<String>,
    line: Line,
    child: Child,
    errors: Arc<Mutex<Vec<String>>>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// How long that took.
    pub took: Duration,
    /// All that it wrote to stderr.
    pub errors: Vec<String>,
}

impl Server {
    /// On a new folder, with nothing but the usual settings of tests.
    pub async fn start() -> Server {
        Server::with(&[]).await
    }

    /// As [`Server::start`], on a folder in memory.
    pub async fn in_memory() -> Server {
        Server::on(Arc::new(Folder::in_memory()), Line::with(&[])).await
    }

    /// On a new folder, with settings as `--set` takes them.
    pub async fn with(sets: &[&str]) -> Server {
        Server::on(Arc::new(Folder::new()), Line::with(sets)).await
    }

    /// As [`Server::with`], with so many made-up people.
    pub async fn in_company(people: u32, sets: &[&str]) -> Server {
        let words = vec!["--with-people".into(), people.to_string()];
        Server::on(Arc::new(Folder::new()), Line { words, ..Line::with(sets) }).await
    }

    /// With `--https`, for a phone in the same network: at every address of this machine.
    pub async fn https() -> Server {
        Server::on(Arc::new(Folder::new()), Line { listen: "0.0.0.0:0", words: vec!["--https".into()], ..Line::with(&[]) }).await
    }

    /// On a folder that is there already.
    pub async fn restored(folder: Folder) -> Server {
        Server::on(Arc::new(folder), Line::with(&[])).await
    }

    async fn on(folder: Arc<Folder>, line: Line) -> Server {
        let mut command = Command::new(binary());
        command.args(["serve", "--ready", "json", "--listen", line.listen, "--data"]).arg(folder.path()).args(&line.words);
        for set in USUAL.iter().map(ToString::to_string).chain(line.sets.iter().cloned()) {
            command.args(["--set", &set]);
        }
        let mut child = spawn(&mut command);
        let errors = read_lines(child.stderr.take().expect("piped"));
        let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
        let said = within("the ready line", out.next_line()).await.expect("stdout is text");
        let Some(said) = said else {
            panic!("the server ended before it served: {:?}", errors.lock().expect("a lock"));
        };
        let ready: Value = serde_json::from_str(&said).expect("the first line is JSON");
        assert_eq!(ready["ready"], true, "{said}");
        let mut at: SocketAddr = ready["http"].as_str().expect("an address").parse().expect("an address");
        let scheme = if ready["ws"].as_str().is_some_and(|ws| ws.starts_with("wss:")) { "wss" } else { "ws" };
        assert_eq!(ready["ws"], format!("{scheme}://{at}/v1/ws"));
        if at.ip().is_unspecified() {
            at.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let others = ready["others"].as_array().into_iter().flatten().map(|url| url.as_str().expect("text").into()).collect();
        let pid = ready["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("its id");
        assert_eq!(Some(pid), child.id(), "it knows its own id");
        Server { at, pid, folder, others, line, child, errors }
    }

    /// Sends it a signal, by its id.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid).expect("an id")).expect("not zero");
        kill_process(pid, signal).expect("it is there");
    }

    /// `kill -9`: gone when this returns.
    pub async fn kill(mut self) -> Killed {
        self.signal(Signal::KILL);
        let status = within("the end of a killed process", self.child.wait()).await.expect("it can be waited for");
        assert_eq!(status.code(), None, "it was killed, it did not end by itself: {:?}", self.errors());
        Killed { folder: self.folder.clone(), line: self.line.clone() }
    }

    /// SIGTERM, and how it ended.
    pub async fn terminate(mut self) -> (Ended, Killed) {
        let began = Instant::now();
        self.signal(Signal::TERM);
        let status = within("the end of a process that was asked to", self.child.wait()).await.expect("it can be waited for");
        let ended = Ended { code: status.code(), took: began.elapsed(), errors: self.errors() };
        (ended, Killed { folder: self.folder.clone(), line: self.line.clone() })
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_none()
    }

    /// What it wrote to stderr so far.
    pub fn errors(&self) -> Vec<String> {
        self.errors.lock().expect("a lock").clone()
    }

    /// That nothing went wrong inside, at the end of a story of hostile acts.
    pub fn assert_well(&mut self) {
        assert!(self.is_running(), "the server ended: {:?}", self.errors());
        let told = self.errors();
        assert!(!told.iter().any(|line| line.contains("panicked") || line.contains("ERROR")), "{told:#?}");
    }
}

/// What a server that ended has left.
#[derive(Debug)]
pub struct Killed {
    /// Its data.
    pub folder: Arc<Folder>,
    line: Line,
}

impl Killed {
    /// Another process on the same data, with the same settings, at another port.
    pub async fn restart(self) -> Server {
        Server::on(self.folder, self.line).await
    }
}

/// Runs the binary to its end, for what it says when it does not serve.
pub async fn run(arguments: &[&str]) -> Ended {
    let began = Instant::now();
    let mut child = spawn(Command::new(binary()).args(arguments));
    let errors = read_lines(child.stderr.take().expect("piped"));
    // Nobody reads its stdout: what it says there fits into a pipe.
    let status = within("its end", child.wait()).await.expect("it can be waited for");
    let ended = || errors.lock().expect("a lock").clone();
    // The last line may still be on its way out of the pipe.
    let end = Instant::now() + PATIENCE;
    while Arc::strong_count(&errors) > 1 && Instant::now() < end {
        tokio::task::yield_now().await;
    }
    Ended { code: status.code(), took: began.elapsed(), errors: ended() }
}

fn spawn(command: &mut Command) -> Child {
    let quiet: Vec<String> = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("DUOLOGUE_")).collect();
    for name in quiet {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("the binary starts")
}

/// Collects lines until the stream ends.
fn read_lines(stream: impl AsyncRead + Unpin + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            kept.lock().expect("a lock").push(line);
        }
    });
    lines
}
