//! A server that ends with its owner.

use crate::{Anything, cpu};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A server, and how many bytes its clients have read.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub at: SocketAddr,
    /// Bytes of messages that clients have read.
    pub heard: Arc<AtomicU64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The release server, with room for so many, without rates, its rows in this folder. `DUOLOGUE_BIN` names another binary.
    pub fn duologue(people: usize, folder: &Path, listen: &str) -> Anything<Server> {
        let binary = match std::env::var_os("DUOLOGUE_BIN") {
            Some(binary) => PathBuf::from(binary),
            None => built("duologue-server", &["--bin", "duologue"], "duologue")?,
        };
        let mut command = Command::new(binary);
        command.env_remove("DUOLOGUE_BIN").args(["serve", "--ready", "json", "--log", "json", "--listen", listen, "--data"]).arg(folder);
        for rate in ["commands", "rings", "guests", "api", "sign_in", "rings_address"] {
            command.args(["--set", &format!("rates.{rate}={{ per = 0 }}")]);
        }
        command.args(["--set", "rates.exempt=[\"127.0.0.0/8\"]", "--set", &format!("connections.max={}", people + 256)]);
        Server::start(command.stderr(Stdio::null()))
    }

    /// The transport's echo, without anything of Duologue.
    pub fn echo() -> Anything<Server> {
        let binary = built("duologue-transport-ws", &["--example", "echo"], "examples/echo")?;
        Server::start(Command::new(binary).arg("127.0.0.1:0"))
    }

    /// A plain Socket.IO server. What it needs of npm is installed first.
    pub fn socket_io() -> Anything<Server> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("socketio");
        let installed = Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder).status()?;
        if !installed.success() {
            return Err(format!("npm ci in {} failed", folder.display()).into());
        }
        Server::start(Command::new("node").arg("server.mjs").current_dir(&folder))
    }

    /// Its first line is JSON with `http`, or ends with the address.
    fn start(command: &mut Command) -> Anything<Server> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("its words")?).read_line(&mut line)?;
        let ready: Option<Value> = serde_json::from_str(&line).ok();
        let at = ready.as_ref().and_then(|ready| ready["http"].as_str()).or_else(|| line.split_whitespace().next_back());
        let at = at.and_then(|at| at.parse().ok());
        Ok(Server { child, at: at.ok_or_else(|| format!("it did not start: {line}"))?, heard: Arc::default() })
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        cpu::resident_bytes_of(self.child.id())
    }

    /// CPU time so far.
    pub fn cpu(&self) -> Duration {
        cpu::time_of(self.child.id())
    }

    /// Bytes that clients have read so far.
    pub fn sent_bytes(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) -> Anything<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Builds it in release; gives its path.
fn built(package: &str, what: &[&str], path: &str) -> Anything<PathBuf> {
    let status = Command::new(env!("CARGO")).args(["build", "--release", "--quiet", "-p", package]).args(what).status()?;
    if !status.success() {
        return Err(format!("{package} does not build").into());
    }
    let target = std::env::current_exe()?.parent().ok_or("a folder")?.to_path_buf();
    Ok(target.join(path))
}
