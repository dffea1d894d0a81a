//! What values mean: spans (`"10s"`), sizes (`"64KiB"`), rates (`"30/s"`), lists, names; what is allowed, in words; and how a
//! value is written back. Pure functions, each checked once at the edge.

use super::raw::Raw;
use duologue_core::kit::time::Span;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Which values a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An integer in a range.
    Count(u64, u64),
    /// `true` or `false`.
    Flag,
    /// Keys that check tokens: `[{ alg = "HS256", kid = "…", key = "…" }]`.
    JwtKeys,
    /// An address and port to listen on.
    Listen,
    /// Short names, at most so many.
    Names(usize),
    /// Networks: `10.0.0.0/8`, or single addresses.
    Networks,
    /// Origins as browsers write them.
    Origins,
    /// A file or folder.
    Path,
    /// Steps of relaxation: `[{ after = "30s", drop = "lang:en" }]`.
    Relax,
    /// How often something may happen, in two parts: `per` and `burst`.
    Rate,
    /// Text that is never shown, at least so long.
    Secret(usize),
    /// Bytes in a range.
    Size(u64, u64),
    /// A span of time in a range of milliseconds.
    Span(u64, u64),
    /// Addresses that begin with one of these schemes.
    Urls(&'static [&'static str]),
    /// A URL or an absolute path, ending in `/`.
    WebBase,
}

/// A value that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Count(u64),
    /// A flag.
    Flag(bool),
    /// Addresses to listen on.
    Listen(SocketAddr),
    /// Networks.
    Networks(Vec<IpNet>),
    /// So often each span; 0 is never refused. And at once.
    Rate(PerSpan, u32),
    /// Bytes.
    Size(u64),
    /// A span.
    Span(Span),
    /// Tables that a later feature reads, with their fields in order.
    Tables(Vec<Vec<(String, String)>>),
    /// Text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// Nothing was said, and there is no default.
    Unset,
}

/// So often in each span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerSpan {
    /// How often; 0 is no limit.
    pub count: u32,
    /// In which span.
    pub span: Span,
}

const SPAN_UNITS: [(&str, u64); 8] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000), ("day", 86_400_000)];
const SIZE_UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TiB", 1 << 40),
];

impl Kind {
    /// What is allowed, for the end of a sentence.
    pub fn allowed(&self) -> String {
        match self {
            Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
            Kind::Count(least, most) => format!("a whole number from {least} to {most}"),
            Kind::Flag => "true or false".into(),
            Kind::JwtKeys => {
                "a list like [{ alg = \"HS256\", kid = \"a\", key = \"at least 32 characters\" }]; alg is HS256, RS256, ES256 or EdDSA"
                    .into()
            }
            Kind::Listen => "an address and port like \"127.0.0.1:8080\"".into(),
            Kind::Names(most) => format!("a list of 1 to {most} names of [a-z0-9_-], 1 to 32 characters each"),
            Kind::Networks => "a list of networks like [\"10.0.0.0/8\", \"2001:db8::1\"]".into(),
            Kind::Origins => {
                "a list of origins like [\"https://app.example\"]: scheme, host, port where it is not the scheme's, no path".into()
            }
            Kind::Path => "a path that is not empty".into(),
            Kind::Rate => "per = \"30/s\" (or 0 for no limit) and burst = a whole number from 1 to 1000000".into(),
            Kind::Relax => "a list like [{ after = \"30s\", drop = \"lang:en\" }]".into(),
            Kind::Secret(least) => format!("a text of at least {least} characters"),
            Kind::Size(least, most) => format!("a size from {} to {}, like \"64KiB\"", write_size(*least), write_size(*most)),
            Kind::Span(least, most) => format!("a span from {} to {}, like \"10s\"", write_span(Span(*least)), write_span(Span(*most))),
            Kind::Urls(schemes) => format!("a list of addresses that begin with {}", schemes.join(" or ")),
            Kind::WebBase => "an https:// or http:// address or an absolute path, ending in /".into(),
        }
    }

    /// Reads a value; none where it makes no sense. Rates are read in parts, by [`read_per`] and [`read_burst`].
    pub(crate) fn read(&self, raw: &Raw) -> Option<Value> {
        match (self, raw) {
            (Kind::Choice(words), Raw::Text(text)) => words.contains(&text.as_str()).then(|| Value::Text(text.clone())),
            (Kind::Count(least, most), Raw::Integer(n)) => {
                u64::try_from(*n).ok().filter(|n| (*least..=*most).contains(n)).map(Value::Count)
            }
            (Kind::Flag, Raw::Flag(flag)) => Some(Value::Flag(*flag)),
            (Kind::JwtKeys, Raw::List(items)) => items.iter().map(read_jwt_key).collect::<Option<_>>().map(Value::Tables),
            (Kind::Listen, Raw::Text(text)) => text.parse().ok().map(Value::Listen),
            (Kind::Names(most), list) => {
                let names = read_texts(list)?;
                let fine = (1..=*most).contains(&names.len()) && names.iter().all(|name| is_name(name));
                fine.then_some(Value::Texts(names))
            }
            (Kind::Networks, list) => read_texts(list)?.iter().map(|text| read_network(text)).collect::<Option<_>>().map(Value::Networks),
            (Kind::Origins, list) => read_texts(list).filter(|all| all.iter().all(|origin| is_origin(origin))).map(Value::Texts),
            (Kind::Path, Raw::Text(text)) => (!text.is_empty()).then(|| Value::Text(text.clone())),
            (Kind::Relax, Raw::List(items)) => items.iter().map(read_relaxation).collect::<Option<_>>().map(Value::Tables),
            (Kind::Secret(least), Raw::Text(text)) => (text.chars().count() >= *least).then(|| Value::Text(text.clone())),
            (Kind::Size(least, most), Raw::Text(text)) => read_size(text).filter(|size| (*least..=*most).contains(size)).map(Value::Size),
            (Kind::Span(least, most), Raw::Text(text)) => {
                read_span(text).filter(|span| (*least..=*most).contains(&span.0)).map(Value::Span)
            }
            (Kind::Urls(schemes), list) => {
                let fine = |url: &String| schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
                read_texts(list).filter(|urls| urls.iter().all(fine)).map(Value::Texts)
            }
            (Kind::WebBase, Raw::Text(text)) => is_web_base(text).then(|| Value::Text(text.clone())),
            _ => None,
        }
    }
}

/// `"30/s"`, `"6/10min"`, or 0 for no limit.
pub(crate) fn read_per(raw: &Raw) -> Option<PerSpan> {
    let text = match raw {
        Raw::Integer(0) => return Some(PerSpan { count: 0, span: Span(1) }),
        Raw::Text(text) => text,
        _ => return None,
    };
    let (count, span) = text.split_once('/')?;
    let count = read_number(count.trim())?;
    let span = span.trim();
    let span = read_span(span).or_else(|| read_span(&format!("1{span}")))?;
    let fine = count <= 1_000_000 && span.0 > 0 && span <= Span::days(3_650);
    fine.then_some(PerSpan { count: u32::try_from(count).ok()?, span })
}

/// How much at once.
pub(crate) fn read_burst(raw: &Raw) -> Option<u32> {
    match raw {
        Raw::Integer(n) => u32::try_from(*n).ok().filter(|n| (1..=1_000_000).contains(n)),
        _ => None,
    }
}

/// A whole number and a unit: `"250ms"`.
pub(crate) fn read_span(text: &str) -> Option<Span> {
    read_unit(text, &SPAN_UNITS).map(Span)
}

/// A whole number and a unit: `"64KiB"`.
pub(crate) fn read_size(text: &str) -> Option<u64> {
    read_unit(text, &SIZE_UNITS)
}

fn read_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    read_number(number)?.checked_mul(*factor)
}

fn read_number(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A list of texts, or, as variables and flags say it, one text with commas.
fn read_texts(raw: &Raw) -> Option<Vec<String>> {
    match raw {
        Raw::List(items) => items.iter().map(|item| if let Raw::Text(text) = item { Some(text.clone()) } else { None }).collect(),
        Raw::Text(text) => Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(String::from).collect()),
        _ => None,
    }
}

fn read_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The fields of a table as texts, if there are no others than these.
fn read_fields(raw: &Raw, known: &[&str]) -> Option<Vec<(String, String)>> {
    let Raw::Table(entries) = raw else { return None };
    let field = |(name, value): &(String, Raw)| match value {
        Raw::Text(text) if known.contains(&name.as_str()) => Some((name.clone(), text.clone())),
        _ => None,
    };
    entries.iter().map(field).collect()
}

fn read_jwt_key(raw: &Raw) -> Option<Vec<(String, String)>> {
    let fields = read_fields(raw, &["alg", "kid", "key"])?;
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let fine = match field("alg")? {
        "HS256" => field("key")?.len() >= 32,
        "EdDSA" | "ES256" | "RS256" => field("key")?.contains("-----BEGIN"),
        _ => false,
    };
    fine.then_some(fields)
}

fn read_relaxation(raw: &Raw) -> Option<Vec<(String, String)>> {
    let fields = read_fields(raw, &["after", "drop"])?;
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let fine = read_span(field("after")?).is_some() && duologue_core::kit::text::is_tag(field("drop")?);
    fine.then_some(fields)
}

fn is_name(text: &str) -> bool {
    duologue_core::kit::text::is_lobby(text)
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@*\"\\".contains(&b)))
}

fn is_web_base(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.ends_with('/') && text.bytes().all(|b| b.is_ascii_graphic()) && (text.starts_with('/') || rest.is_some_and(|rest| rest.len() > 1))
}

/// In the largest unit that says it exactly.
pub fn write_span(span: Span) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let exact = units.iter().find(|(_, factor)| span.0 > 0 && span.0.is_multiple_of(*factor));
    exact.map_or_else(|| format!("{}ms", span.0), |(unit, factor)| format!("{}{unit}", span.0 / factor))
}

/// In the largest unit that says it exactly.
pub fn write_size(size: u64) -> String {
    let units = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let exact = units.iter().find(|(_, factor)| size > 0 && size.is_multiple_of(*factor));
    exact.map_or_else(|| format!("{size}B"), |(unit, factor)| format!("{}{unit}", size / factor))
}

/// As TOML; secrets are the caller's to hide.
pub fn write(value: &Value) -> Option<String> {
    let quoted = |text: &String| format!("{text:?}");
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    Some(match value {
        Value::Count(count) => count.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Listen(address) => format!("\"{address}\""),
        Value::Networks(networks) => list(networks.iter().map(|network| format!("\"{network}\"")).collect()),
        Value::Rate(PerSpan { count: 0, .. }, _) => "{ per = 0 }".into(),
        Value::Rate(PerSpan { count, span }, burst) => {
            let span = write_span(*span);
            format!(
                "{{ per = \"{count}/{}\", burst = {burst} }}",
                span.strip_prefix('1').filter(|unit| !unit.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(&span)
            )
        }
        Value::Size(size) => format!("\"{}\"", write_size(*size)),
        Value::Span(span) => format!("\"{}\"", write_span(*span)),
        Value::Tables(tables) => {
            let table = |fields: &Vec<(String, String)>| {
                let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
                format!("{{ {} }}", fields.join(", "))
            };
            list(tables.iter().map(table).collect())
        }
        Value::Text(text) => quoted(text),
        Value::Texts(texts) => list(texts.iter().map(quoted).collect()),
        Value::Unset => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_need_a_unit_and_are_written_as_they_are_read() {
        for text in ["250ms", "10s", "5m", "24h", "7d"] {
            assert_eq!(write_span(read_span(text).expect(text)), if text == "24h" { "1d" } else { text });
        }
        for text in ["", "10", "s", "-1s", "1.5s", "10 parsecs", "99999999999999999999s", "1e3s"] {
            assert_eq!(read_span(text), None, "{text}");
        }
        assert_eq!(
            (read_size("64KiB"), read_size("1 MiB"), read_size("512MB"), read_size("64")),
            (Some(65_536), Some(1 << 20), Some(512_000_000), None)
        );
        assert_eq!(write_size(65_536), "64KiB");
    }

    #[test]
    fn rates_say_how_often_in_which_span() {
        let text = |text: &str| Raw::Text(text.into());
        assert_eq!(read_per(&text("30/s")), Some(PerSpan { count: 30, span: Span::secs(1) }));
        assert_eq!(read_per(&text("6/10min")), Some(PerSpan { count: 6, span: Span::mins(10) }));
        assert_eq!(read_per(&Raw::Integer(0)).map(|per| per.count), Some(0));
        for wrong in [text("30"), text("x/s"), text("30/"), text("-1/s"), Raw::Integer(30), Raw::Flag(true), text("1/parsec")] {
            assert_eq!(read_per(&wrong), None, "{wrong}");
        }
        let rate = |per| write(&Value::Rate(read_per(&text(per)).expect(per), 60));
        assert_eq!(rate("30/s").as_deref(), Some("{ per = \"30/s\", burst = 60 }"));
        assert_eq!(rate("6/10m").as_deref(), Some("{ per = \"6/10m\", burst = 60 }"));
    }
}
