//! The first words of a server: a few lines for people, with the addresses to open and, on a terminal, a QR code for the phone
//! beside it; or one line of JSON for whoever started it as a program.

use crate::{qr, reach};
use serde_json::{Value, json};
use std::io::{IsTerminal, stdout};
use std::net::{IpAddr, SocketAddr};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What is listened on.
    pub address: SocketAddr,
    /// Whether HTTP is HTTPS.
    pub secure: bool,
    /// With `--https`: where other devices reach it, the likeliest first.
    pub others: Option<Vec<IpAddr>>,
    /// Where QUIC is spoken.
    pub quic: Option<SocketAddr>,
    /// Made-up people.
    pub people: Option<u32>,
    /// The data folder.
    pub folder: String,
    /// What the process may use, as people write it.
    pub budget: String,
}

/// What it is said on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Somebody looks at it.
    pub terminal: bool,
    /// They like colours.
    pub colours: bool,
}

impl Paper {
    /// What stdout is, by itself and by `NO_COLOR`.
    pub fn stdout() -> Paper {
        let terminal = stdout().is_terminal();
        Paper { terminal, colours: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.into() }
    }
}

impl Facts {
    /// The address of the page for a browser that comes by this one.
    fn url(&self, address: IpAddr) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", SocketAddr::new(address, self.address.port()))
    }

    fn urls(&self) -> Option<Vec<String>> {
        Some(self.others.as_ref()?.iter().map(|address| self.url(*address)).collect())
    }
}

/// The line for programs (`--ready json`).
pub fn for_programs(facts: &Facts) -> Value {
    let ws = if facts.secure { "wss" } else { "ws" };
    let mut line = json!({
        "ready": true, "http": facts.address.to_string(), "ws": format!("{ws}://{}/v1/ws", facts.address), "pid": std::process::id(),
        "version": VERSION,
    });
    if let Some(quic) = facts.quic {
        line["quic"] = quic.to_string().into();
    }
    if let Some(people) = facts.people {
        line["made_up"] = people.into();
    }
    if let Some(urls) = facts.urls() {
        line["others"] = urls.into();
    }
    line
}

/// The lines for people.
pub fn for_people(facts: &Facts, paper: Paper) -> String {
    let name = paper.paint(&format!("Duologue {VERSION}"), "1");
    let here = facts.url(reach::here(facts.address.ip()));
    let mut lines = vec![format!("{name} · realm main · SQLite {} · memory budget {}", facts.folder, facts.budget)];
    match facts.people {
        Some(people) => {
            let many = paper.paint(&format!("{people} people here are made up"), "1;33");
            lines.push(format!("Open    {here}        two windows are enough"));
            lines.push(format!("Company {many} by this server, as their cards say; not for a server that people use"));
        }
        None => lines.push(format!("Open    {here}        two windows are enough; add --with-people 12 for company")),
    }
    lines.extend(phone(facts, paper));
    lines.push(format!("Health  {here}/health · metrics at /metrics"));
    lines.push("Stop with Ctrl-C: calls go on and are resumed after a restart".into());
    lines.iter().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

/// What somebody with a phone wants to know.
fn phone(facts: &Facts, paper: Paper) -> Vec<String> {
    let Some(urls) = facts.urls() else {
        let hint = "Phone   --https prints an address and a QR code (cameras need a secure page)";
        return if facts.secure { Vec::new() } else { vec![hint.into()] };
    };
    let mut lines = Vec::new();
    match urls.split_first() {
        Some((first, [])) => lines.push(format!("Phone   {first}        in the same network")),
        Some((first, others)) => lines.push(format!("Phone   {first}        in the same network; or {}", others.join(", "))),
        None if facts.address.ip().is_loopback() => {
            lines.push(format!("Phone   no other device reaches {}: say --listen 0.0.0.0:{}", facts.address.ip(), facts.address.port()));
        }
        None => lines.push("Phone   this machine is in no network that another device could be in".into()),
    }
    lines.push("Each browser warns once: this machine made the certificate itself, and nobody else knows it. Go on to the page".into());
    if let Some(first) = urls.first().filter(|_| paper.terminal) {
        lines.push(String::new());
        lines.extend(qr::lines(first, paper.colours));
        lines.push(String::new());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: Paper = Paper { terminal: false, colours: false };
    const SCREEN: Paper = Paper { terminal: true, colours: true };

    fn facts(listened: &str, others: Option<&[&str]>) -> Facts {
        Facts {
            address: listened.parse().expect("an address"),
            secure: others.is_some(),
            others: others.map(|all| all.iter().map(|address| address.parse().expect("an address")).collect()),
            quic: None,
            people: None,
            folder: "./data".into(),
            budget: "512 MB".into(),
        }
    }

    #[test]
    fn a_phone_is_told_the_address_and_why_its_browser_warns() {
        let facts = facts("0.0.0.0:8080", Some(&["192.168.1.20", "10.1.2.3", "fd00::20"]));
        let text = for_people(&facts, SHEET);
        for part in [
            "Open    https://127.0.0.1:8080 ",
            "Phone   https://192.168.1.20:8080 ",
            "or https://10.1.2.3:8080, https://[fd00::20]:8080\n",
            "warns once",
            "Health  https://127.0.0.1:8080/health",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains('█') && !text.contains('\u{1b}'), "nobody points a camera at a file: {text}");
        assert_eq!(
            for_programs(&facts)["others"],
            json!(["https://192.168.1.20:8080", "https://10.1.2.3:8080", "https://[fd00::20]:8080"])
        );
        assert_eq!(for_programs(&facts)["ws"], "wss://0.0.0.0:8080/v1/ws");
    }

    #[test]
    fn the_code_on_a_terminal_is_that_of_the_first_address() {
        let facts = facts("0.0.0.0:8080", Some(&["192.168.1.20", "10.1.2.3"]));
        let code = |colours| qr::lines("https://192.168.1.20:8080", colours).iter().map(|line| format!("  {line}\n")).collect::<String>();
        assert!(for_people(&facts, SCREEN).contains(&code(true)));
        assert!(for_people(&facts, Paper { colours: false, ..SCREEN }).contains(&code(false)), "NO_COLOR");
    }

    #[test]
    fn who_cannot_be_reached_is_told_what_to_say() {
        let of = |facts: &Facts| for_people(facts, SCREEN);
        assert!(of(&facts("127.0.0.1:9000", None)).contains("Phone   --https prints"));
        assert!(of(&facts("127.0.0.1:9000", Some(&[]))).contains("no other device reaches 127.0.0.1: say --listen 0.0.0.0:9000"));
        assert!(of(&facts("0.0.0.0:9000", Some(&[]))).contains("in no network"));
        let operators = Facts { secure: true, ..facts("0.0.0.0:443", None) };
        assert!(!of(&operators).contains("Phone") && !for_programs(&operators).as_object().expect("an object").contains_key("others"));
    }
}
