//! The configuration: a file, then the environment, then flags, each above the one before. One table ([`KEYS`]) says which keys
//! there are; everything that was said is checked here, once, before anything starts. What is wrong is told in one line: the
//! key, the value, where it was said, what is allowed.

mod keys;
mod print;
mod raw;
mod realm;
mod value;

pub use keys::{KEYS, Key, variable};
pub use print::print;
pub use realm::wide;
pub use value::{Kind, PerSpan, Value, write_size, write_span};

use duologue_core::kit::buckets::Rate;
use duologue_core::kit::time::Span;
use keys::position;
use raw::{Raw, Said};
use std::path::Path;

/// What is wrong with a configuration, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// Where values come from, the later above the earlier.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Defaults of a flag, for keys about which nobody else says anything: the flag, the key, the value.
    pub instead: Vec<(&'static str, &'static str, String)>,
    /// A TOML file: its name, for messages, and its text.
    pub file: Option<(std::path::PathBuf, String)>,
    /// Variables whose names begin with `DUOLOGUE_`.
    pub environment: Vec<(String, String)>,
    /// `key=value`, as said with `--set`.
    pub sets: Vec<String>,
    /// Flags of their own: the flag, the key that it sets, the value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// One value and where it was said.
#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    /// As said, with the place; none for a default.
    said: Option<Said>,
}

/// A configuration that makes sense.
#[derive(Clone, Debug)]
pub struct Settings {
    entries: Vec<Entry>,
}

impl Settings {
    /// Reads all sources and checks everything.
    ///
    /// # Errors
    /// What is wrong first: syntax, an unknown key, a wrong type or range, or values that make no sense together.
    pub fn load(sources: &Sources) -> Result<Settings, ConfigError> {
        let mut settings = Settings::defaults();
        for said in all_said(sources)? {
            settings.put(said)?;
        }
        settings.derive();
        settings.check()?;
        Ok(settings)
    }

    fn defaults() -> Settings {
        let mut settings = Settings { entries: KEYS.iter().map(|_| Entry { value: Value::Unset, said: None }).collect() };
        for key in KEYS.iter().filter(|key| !key.default.is_empty()) {
            for said in raw::read_text(key.name, key.default, "default") {
                settings.put(said).expect("a default makes sense");
            }
        }
        for entry in &mut settings.entries {
            entry.said = None;
        }
        settings
    }

    /// One value, above what is there.
    fn put(&mut self, said: Said) -> Result<(), ConfigError> {
        // A table of ours without a word in it.
        if said.value == Raw::Table(Vec::new())
            && KEYS.iter().any(|key| key.name.strip_prefix(&said.key).is_some_and(|rest| rest.starts_with('.')))
        {
            return Ok(());
        }
        let whole = position(&said.key);
        let part = said.key.rsplit_once('.').and_then(|(name, part)| Some((position(name)?, part)));
        let at = match (whole, part) {
            (Some(at), _) if !matches!(KEYS[at].kind, Kind::Rate) => {
                self.entries[at].value = KEYS[at].kind.read(&said.value).ok_or_else(|| wrong(&said, KEYS[at].kind))?;
                at
            }
            (None, Some((at, part @ ("burst" | "per")))) if matches!(KEYS[at].kind, Kind::Rate) => {
                let (mut per, mut burst) = match self.entries[at].value {
                    Value::Rate(per, burst) => (per, burst),
                    _ => (PerSpan { count: 0, span: Span(1) }, 1),
                };
                let read = match part {
                    "per" => value::read_per(&said.value).map(|read| per = read),
                    _ => value::read_burst(&said.value).map(|read| burst = read),
                };
                read.ok_or_else(|| wrong(&said, KEYS[at].kind))?;
                self.entries[at].value = Value::Rate(per, burst);
                at
            }
            (Some(at), _) => return Err(wrong(&said, KEYS[at].kind)),
            (None, _) => return Err(unknown(&said)),
        };
        self.entries[at].said = Some(said);
        Ok(())
    }

    /// Fills in what follows from other keys: the preset's budget, and the connections that a budget carries.
    fn derive(&mut self) {
        let budget = match self.text("preset").unwrap_or_default() {
            "1gb" => 1 << 30,
            "2gb" => 2 << 30,
            _ => 512 << 20,
        };
        self.fill("memory.budget", Value::Size(budget));
        // Half of the budget at what a connection with a window costs at most after its first call, 20 KiB (targets); never less
        // than what the reference system carried in its 512 MB.
        let carried = (self.size("memory.budget") / 2 / (20 << 10)).clamp(1_200, 1_000_000);
        self.fill("connections.max", Value::Count(carried));
    }

    fn fill(&mut self, name: &str, value: Value) {
        let entry = &mut self.entries[position(name).expect("a key of the table")];
        if entry.value == Value::Unset {
            entry.value = value;
        }
    }

    /// What no key can say alone.
    fn check(&self) -> Result<(), ConfigError> {
        self.rules().check().map_err(|senseless| self.senseless(senseless.key, senseless.allowed))?;
        if self.span("connections.dead") <= self.span("connections.ping") {
            return Err(self.senseless("connections.dead", "longer than connections.ping"));
        }
        if self.text("tls.certificate").is_some() != self.text("tls.key").is_some() {
            return Err(self.senseless("tls.key", "tls.certificate and tls.key, or neither"));
        }
        if !self.texts("turn.urls").is_empty() && self.text("turn.secret").is_none() {
            return Err(self.senseless("turn.secret", "coturn's static-auth-secret, since there are turn.urls"));
        }
        Ok(())
    }

    fn senseless(&self, name: &str, allowed: &str) -> ConfigError {
        match &self.entries[position(name).expect("a key of the table")] {
            Entry { said: Some(said), .. } => ConfigError(format!("{} = {} ({}): allowed is {allowed}", said.key, shown(said), said.place)),
            Entry { value, said: None } => {
                ConfigError(format!("{name} = {} (default): allowed is {allowed}", value::write(value).unwrap_or_else(|| "nothing".into())))
            }
        }
    }

    /// The value of a key.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn value(&self, name: &str) -> &Value {
        &self.entries[position(name).unwrap_or_else(|| panic!("{name} is no key"))].value
    }

    /// Where a value was said; none for a default.
    pub fn place(&self, name: &str) -> Option<&str> {
        self.entries[position(name)?].said.as_ref().map(|said| said.place.as_str())
    }

    fn span(&self, name: &str) -> Span {
        let Value::Span(span) = self.value(name) else { panic!("{name} is no span") };
        *span
    }
    fn count(&self, name: &str) -> u32 {
        let Value::Count(count) = self.value(name) else { panic!("{name} is no count") };
        u32::try_from(*count).expect("no range goes beyond 32 bits")
    }
    /// Bytes.
    ///
    /// # Panics
    /// If the key takes no size.
    pub fn size(&self, name: &str) -> u64 {
        let Value::Size(size) = self.value(name) else { panic!("{name} is no size") };
        *size
    }
    fn flag(&self, name: &str) -> bool {
        let Value::Flag(flag) = self.value(name) else { panic!("{name} is no flag") };
        *flag
    }
    fn rate(&self, name: &str) -> Rate {
        match self.value(name) {
            Value::Rate(PerSpan { count: 0, .. }, _) => Rate::OFF,
            Value::Rate(PerSpan { count, span }, burst) => Rate::per(*count, *span, *burst),
            _ => panic!("{name} is no rate"),
        }
    }
    /// A text; none where nothing was said.
    ///
    /// # Panics
    /// If the key takes no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Value::Text(text) => Some(text),
            Value::Unset => None,
            _ => panic!("{name} is no text"),
        }
    }
    /// A list of texts.
    ///
    /// # Panics
    /// If the key takes no list.
    pub fn texts(&self, name: &str) -> &[String] {
        let Value::Texts(texts) = self.value(name) else { panic!("{name} is no list") };
        texts
    }
    /// Networks.
    ///
    /// # Panics
    /// If the key takes none.
    pub fn networks(&self, name: &str) -> &[ipnet::IpNet] {
        let Value::Networks(networks) = self.value(name) else { panic!("{name} is no list of networks") };
        networks
    }
}

/// Everything that was said, in the order in which the later counts.
fn all_said(sources: &Sources) -> Result<Vec<Said>, ConfigError> {
    let mut all: Vec<Said> = sources.instead.iter().map(from_flag).collect();
    if let Some((path, text)) = &sources.file {
        all.extend(raw::read_file(Path::new(path), text).map_err(ConfigError)?);
    }
    for (name, text) in &sources.environment {
        all.extend(from_variable(name, text)?);
    }
    for set in &sources.sets {
        let (key, text) =
            set.split_once('=').ok_or_else(|| ConfigError(format!("--set {set}: allowed is key=value, like --set invites.ring=20s")))?;
        all.extend(from_text(key.trim(), text, &format!("--set {}", key.trim())));
    }
    all.extend(sources.flags.iter().map(from_flag));
    Ok(all)
}

fn from_flag((flag, key, text): &(&'static str, &'static str, String)) -> Said {
    Said { key: (*key).into(), value: Raw::Text(text.clone()), place: (*flag).into() }
}

/// The key of a variable: of the table, or a part of a rate.
fn from_variable(name: &str, text: &str) -> Result<Vec<Said>, ConfigError> {
    let of = |suffix: &str| KEYS.iter().find(|key| format!("{}{suffix}", variable(key.name)) == name).map(|key| key.name);
    let rate = |name: &&str| matches!(KEYS[position(name).expect("of the table")].kind, Kind::Rate);
    let key = of("")
        .map(String::from)
        .or_else(|| of("_PER").filter(rate).map(|key| format!("{key}.per")))
        .or_else(|| of("_BURST").filter(rate).map(|key| format!("{key}.burst")))
        .ok_or_else(|| {
            ConfigError(format!(
                "{name} = {text:?} (environment): unknown key; allowed are DUOLOGUE_ and a key of print-config, like {}",
                variable("invites.ring")
            ))
        })?;
    Ok(from_text(&key, text, &format!("environment {name}")))
}

/// Text that means text stays text, also where it looks like a number.
fn from_text(key: &str, text: &str, place: &str) -> Vec<Said> {
    let verbatim = position(key).is_some_and(|at| matches!(KEYS[at].kind, Kind::Choice(_) | Kind::Path | Kind::Secret(_)));
    match raw::read_text(key, text, place) {
        said if verbatim && !matches!(said.first(), Some(Said { value: Raw::Text(_), .. })) => {
            vec![Said { key: key.into(), value: Raw::Text(text.into()), place: place.into() }]
        }
        said => said,
    }
}

fn wrong(said: &Said, kind: Kind) -> ConfigError {
    ConfigError(format!("{} = {} ({}): allowed is {}", said.key, shown(said), said.place, kind.allowed()))
}

fn unknown(said: &Said) -> ConfigError {
    let (table, _) = said.key.rsplit_once('.').unwrap_or(("", ""));
    let near: Vec<&str> =
        KEYS.iter().map(|key| key.name).filter(|name| name.rsplit_once('.').map_or("", |(table, _)| table) == table).collect();
    let allowed = if near.is_empty() { "are the keys of `duologue print-config`".into() } else { format!("here are {}", near.join(", ")) };
    ConfigError(format!("{} = {} ({}): unknown key; allowed {allowed}", said.key, shown(said), said.place))
}

/// The value for a message; a secret is not for messages.
fn shown(said: &Said) -> String {
    let kind = position(&said.key).map(|at| KEYS[at].kind);
    match kind {
        Some(Kind::JwtKeys | Kind::Secret(_)) => "(not shown)".into(),
        _ => said.value.to_string(),
    }
}

#[cfg(test)]
mod tests;
