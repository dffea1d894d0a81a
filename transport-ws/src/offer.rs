//! The agreement on permessage-deflate (RFC 7692, section 7.1): which offer of a client is taken, and what it is answered. Neither
//! side keeps a context from message to message, whatever was offered: a context costs a connection some hundred kilobytes.

/// An agreement to deflate messages, without contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    window_bits: u8,
}

/// The name of the extension.
const NAME: &str = "permessage-deflate";

impl Deflate {
    /// With the largest window, which is what one gets where nobody asks for less.
    pub const LARGEST: Deflate = Deflate { window_bits: 15 };

    /// What this side may look back on is 2 to this power: 9 to 15. (The standard has 8 too; zlib cannot deflate with it.)
    pub fn with_window_bits(window_bits: u8) -> Option<Deflate> {
        (9..=15).contains(&window_bits).then_some(Deflate { window_bits })
    }

    pub(crate) fn window_bits(self) -> u8 {
        self.window_bits
    }

    /// What a client's values of `Sec-WebSocket-Extensions` lead to: the first offer that can be kept to, and its answer.
    pub(crate) fn accept<'a>(offered: impl Iterator<Item = &'a str>) -> Option<(Deflate, String)> {
        offered.flat_map(|value| value.split(',')).find_map(accept_one)
    }
}

fn accept_one(offer: &str) -> Option<(Deflate, String)> {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let mut answer = format!("{NAME}; server_no_context_takeover; client_no_context_takeover");
    let mut agreed = Deflate::LARGEST;
    let mut seen = Vec::new();
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
            None => (part, None),
        };
        match (name, value) {
            ("client_max_window_bits" | "client_no_context_takeover" | "server_no_context_takeover", None) => {}
            ("client_max_window_bits", Some(value)) => drop(window_bits(value)?),
            ("server_max_window_bits", Some(value)) => {
                agreed = Deflate::with_window_bits(window_bits(value)?)?;
                answer.push_str("; server_max_window_bits=");
                answer.push_str(&agreed.window_bits.to_string());
            }
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some((agreed, answer))
}

/// 8 to 15, without a leading zero; perhaps in quotes.
fn window_bits(value: &str) -> Option<u8> {
    let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    matches!(value, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15").then(|| value.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    #[test]
    fn no_context_is_kept_whatever_is_offered() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "Permessage-Deflate;client_max_window_bits=10",
            "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate",
            "permessage-deflate; server_max_window_bits=8, permessage-deflate; unknown, permessage-deflate",
        ] {
            assert_eq!(Deflate::accept([offer].into_iter()), Some((Deflate::LARGEST, PLAIN.into())), "{offer}");
        }
        assert_eq!(Deflate::accept(["other", "permessage-deflate"].into_iter()), Some((Deflate::LARGEST, PLAIN.into())));
    }

    #[test]
    fn a_smaller_window_is_agreed_to_and_said() {
        for offer in ["permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits = \"9\""] {
            let answer = format!("{PLAIN}; server_max_window_bits=9");
            assert_eq!(Deflate::accept([offer].into_iter()), Some((Deflate { window_bits: 9 }, answer)), "{offer}");
        }
    }

    #[test]
    fn what_cannot_be_kept_to_is_not_agreed_to() {
        for offer in [
            "",
            ";",
            "permessage-bzip2",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; client_max_window_bits=7",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; strategy=fast",
            "permessage-deflate;",
        ] {
            assert_eq!(Deflate::accept([offer].into_iter()), None, "{offer}");
        }
    }
}
