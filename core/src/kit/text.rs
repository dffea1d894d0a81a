//! Texts that people see, cleaned once at the edge (CALL 4): control and bidi characters go, nothing else changes.

use alloc::string::String;

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A chat line: without control characters but line feeds, without bidi characters.
pub fn clean_chat(text: &str) -> String {
    text.chars().filter(|c| (*c == '\n' || !c.is_control()) && !is_bidi(*c)).collect()
}

/// A name: as chat, without line feeds too, trimmed.
pub fn clean_name(text: &str) -> String {
    let cleaned: String = text.chars().filter(|c| !c.is_control() && !is_bidi(*c)).collect();
    cleaned.trim().into()
}

/// How long a text is, in Unicode scalar values.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// 1..64 of `[A-Za-z0-9._/-]`.
pub fn is_reference(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-'))
}

/// 1..32 of `[a-z0-9:_-]`.
pub fn is_tag(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b':' | b'_' | b'-'))
}

/// 1..32 of `[a-z0-9_-]`.
pub fn is_lobby(text: &str) -> bool {
    is_tag(text) && !text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_go_and_nothing_else() {
        assert_eq!(clean_chat("a\u{7}b\nc\u{202e}d<b>&é\u{200d}"), "ab\ncd<b>&é\u{200d}");
        assert_eq!(clean_name(" \u{2066}Mia\n \u{200f}"), "Mia");
        assert!(is_lobby("main") && !is_lobby("a:b") && !is_lobby("") && is_tag("lang:en"));
    }
}
