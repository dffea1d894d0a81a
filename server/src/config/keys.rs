//! Every key of the configuration: its name, what it takes, its default, what it is for. This table drives reading, checking,
//! `print-config` and the documentation; a key that is not in it does not exist.

use super::value::Kind;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted, as in a file.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// As TOML; empty where there is none.
    pub default: &'static str,
    /// What it is for, with the number of its rule.
    pub help: &'static str,
}

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key { name, kind, default, help }
}

/// Ten years.
const LONGEST_MS: u64 = 3_650 * 86_400_000;
const SPAN: Kind = Kind::Span(1, LONGEST_MS);
const SECONDS: Kind = Kind::Count(1, 86_400);
const RATE: Kind = Kind::Rate;

/// All of them, by name.
pub const KEYS: &[Key] = &[
    key("access.required", Kind::Flag, "false", "ACC 1: whether an access code is needed"),
    key("admin.token", Kind::Secret(16), "", "the operator's token for /v1/admin; without it there is no such door"),
    key("auth.jwt.audience", Kind::Secret(1), "", "the audience that tokens of your backend name"),
    key("auth.jwt.keys", Kind::JwtKeys, "[]", "keys that check tokens of your backend"),
    key("calls.chat_keep", Kind::Flag, "true", "CALL 4: whether chat is kept with the history"),
    key("calls.chat_max", Kind::Count(1, 4_096), "500", "CALL 4: characters of a line of chat"),
    key("calls.completed", SPAN, "\"30s\"", "CALL 8: a call of this length counts as completed"),
    key("calls.counted", SPAN, "\"5s\"", "CALL 8: a call of this length is kept in the history"),
    key("calls.extend_window", SPAN, "\"30s\"", "CALL 2: how long the question for more time stands"),
    key("calls.extensions", Kind::Count(0, 100), "3", "CALL 2: how often a call may be extended"),
    key("calls.recovery", SPAN, "\"60s\"", "CALL 12: how long the members of a call have after a restart"),
    key("connections.answers", Kind::Count(1, 1_024), "64", "CON 5: answers kept for a client"),
    key("connections.answers_for", SPAN, "\"10m\"", "CON 5: for how long after it was last seen"),
    key("connections.dead", SPAN, "\"60s\"", "CON 6: a client silent for this long is lost"),
    key("connections.grace", SPAN, "\"10s\"", "CON 4: how long a lost link is hidden"),
    key("connections.hello", SPAN, "\"10s\"", "CON 10: how long a connection may say nothing at first"),
    key("connections.max", Kind::Count(1, 1_000_000), "", "CON 3: connections in all; by default what memory.budget carries"),
    key("connections.out_bytes", Kind::Size(4 << 10, 16 << 20), "\"64KiB\"", "CON 7: what may wait for a reader that does not read"),
    key("connections.per_user", Kind::Count(1, 16), "2", "CON 2: connections of a user"),
    key("connections.ping", SPAN, "\"25s\"", "CON 6: a client silent for this long is pinged"),
    key("connections.replay_bytes", Kind::Size(1 << 10, 16 << 20), "\"64KiB\"", "CON 4: bytes kept for a resume"),
    key("connections.replay_messages", Kind::Count(1, 65_536), "128", "CON 4: events kept for a resume"),
    key(
        "connections.when_full",
        Kind::Choice(&["close_oldest", "refuse_new"]),
        "\"close_oldest\"",
        "CON 2: what one connection too many does",
    ),
    key("cooldowns.call", SPAN, "\"24h\"", "CALL 7: from the start of a call"),
    key("cooldowns.decline", SPAN, "\"24h\"", "INV 8: after a decline"),
    key("cooldowns.rescind", SPAN, "\"1h\"", "INV 8, 10: after a ring taken back"),
    key("data", Kind::Path, "\"./duologue-data\"", "the folder of everything durable"),
    key("http.origins", Kind::Origins, "[]", "pages of other origins that may connect"),
    key("http.trusted_proxies", Kind::Networks, "[]", "RATE: whose X-Forwarded-For counts"),
    key("invites.away_after", Kind::Count(1, 1_000), "2", "INV 10: unanswered rings in a row"),
    key("invites.extend", SPAN, "\"20s\"", "INV 3: one extension of a ring"),
    key("invites.in", Kind::Count(1, 64), "8", "INV 2: rings at a callee"),
    key("invites.out", Kind::Count(1, 16), "1", "INV 2: rings of a caller"),
    key("invites.ring", SPAN, "\"20s\"", "INV 3: how long it rings"),
    key("invites.ring_max", SPAN, "\"5m\"", "INV 3: the most with all extensions"),
    key("invites.seconds_max", SECONDS, "1800", "INV 1: the longest call that may be asked for"),
    key("invites.seconds_min", SECONDS, "60", "INV 1: the shortest"),
    key("listen", Kind::Listen, "\"127.0.0.1:8080\"", "address and port; port 0 takes a free one"),
    key("media.base_url", Kind::WebBase, "\"/media/\"", "what references to pictures are resolved against"),
    key("media.disk_max", Kind::Size(1 << 20, 1 << 40), "\"1GiB\"", "what the pictures that the server keeps may take"),
    key("media.store", Kind::Choice(&["builtin", "none"]), "\"builtin\"", "whether the server keeps pictures itself"),
    key("memory.budget", Kind::Size(64 << 20, 1 << 40), "", "MEM 1: what the process may use; by default the preset's"),
    key("memory.judge", SPAN, "\"30s\"", "MEM 1: how often the level is judged"),
    key("memory.sweep", SPAN, "\"5m\"", "MEM 2: how often the sweep runs"),
    key("pairing.confirm", SPAN, "\"10s\"", "PAIR 4: how long both have to confirm"),
    key("pairing.relax", Kind::Relax, "[]", "PAIR 3: which tag is dropped after which wait"),
    key("pairing.round", SPAN, "\"250ms\"", "PAIR: how often tickets are looked at"),
    key("pairing.seconds", SECONDS, "180", "PAIR 4: length of a paired call"),
    key("presence.coalesce", SPAN, "\"1s\"", "PRE 2: at most one change to a watcher in this span"),
    key("presence.forget", SPAN, "\"1h\"", "PRE 6: an offline user leaves memory after this"),
    key("preset", Kind::Choice(&["512mb", "1gb", "2gb"]), "\"512mb\"", "MEM 6: sets memory.budget, and with it connections.max"),
    key("profile.genders", Kind::Names(8), "[\"female\", \"male\", \"other\"]", "how people may appear"),
    key("quic.enabled", Kind::Flag, "true", "whether QUIC and WebTransport are spoken"),
    key("quic.listen", Kind::Listen, "", "address and UDP port of QUIC; by default those of listen"),
    key("rates.api", RATE, "{ per = \"500/min\", burst = 500 }", "RATE: requests over HTTP, an address"),
    key("rates.chat", RATE, "{ per = \"5/s\", burst = 10 }", "RATE: lines of chat, a user"),
    key("rates.codes", RATE, "{ per = \"5/h\", burst = 5 }", "ACC 3: wrong codes, an address"),
    key("rates.commands", RATE, "{ per = \"30/s\", burst = 60 }", "RATE: commands, a user"),
    key("rates.exempt", Kind::Networks, "[]", "RATE: networks that limits by address do not count"),
    key("rates.guests", RATE, "{ per = \"20/h\", burst = 20 }", "RATE: guest accounts, an address"),
    key("rates.reports", RATE, "{ per = \"50/h\", burst = 50 }", "RATE: reports, a user"),
    key("rates.rings", RATE, "{ per = \"6/min\", burst = 6 }", "RATE: rings, a user"),
    key("rates.rings_address", RATE, "{ per = \"30/min\", burst = 30 }", "RATE: rings, an address"),
    key("rates.sign_in", RATE, "{ per = \"6/10m\", burst = 6 }", "RATE: failed sign-ins, an address"),
    key("reel.memory", Kind::Count(1, 1_000_000), "4096", "LOB 5: users that a reel remembers"),
    key("safety.report_needs_call", Kind::Flag, "true", "SAFE 1: whether a report needs a call the two had"),
    key("sessions.guest", SPAN, "\"7d\"", "CON 1: how long a guest's session lasts"),
    key("sessions.permanent", SPAN, "\"30d\"", "CON 1: how long another's lasts"),
    key("signaling.batch", Kind::Count(1, 64), "20", "SIG 2: candidates in a batch"),
    key("signaling.batch_wait", SPAN, "\"50ms\"", "SIG 2: how long a batch waits"),
    key("signaling.candidate_max", Kind::Size(1, 16 << 10), "\"1KiB\"", "SIG 4: the largest candidate"),
    key("signaling.description_max", Kind::Size(1, 56 << 10), "\"32KiB\"", "SIG 4: the largest description"),
    key("stun.urls", Kind::Urls(&["stun:", "stuns:"]), "[]", "SIG 6: STUN servers for clients"),
    key("tls.certificate", Kind::Path, "", "PEM file of the certificate and its chain; with tls.key"),
    key("tls.key", Kind::Path, "", "PEM file of the private key"),
    key("turn.per_call", Kind::Count(1, 100), "3", "SIG 6: credentials for a member of a call"),
    key("turn.secret", Kind::Secret(1), "", "SIG 6: coturn's static-auth-secret"),
    key("turn.urls", Kind::Urls(&["turn:", "turns:"]), "[]", "SIG 6: TURN servers for clients"),
    key("window.cards", RATE, "{ per = \"60/min\", burst = 200 }", "LOB 8: cards asked for, a user"),
    key("window.exposure", Kind::Count(0, 64), "20", "LOB 2: windows that show a newcomer"),
    key("window.exposure_after", SPAN, "\"20s\"", "LOB 2: how long a card stays before a newcomer replaces it"),
    key("window.max", Kind::Count(1, 64), "50", "LOB 2: the most places of a window"),
    key("window.size", Kind::Count(1, 64), "20", "LOB 2: places of a window that does not say"),
];

/// Where a key stands in the table.
pub(crate) fn position(name: &str) -> Option<usize> {
    KEYS.binary_search_by(|key| key.name.cmp(name)).ok()
}

/// The environment variable of a key: `invites.ring` is `DUOLOGUE_INVITES_RING`.
pub fn variable(name: &str) -> String {
    format!("DUOLOGUE_{}", name.to_ascii_uppercase().replace('.', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_variables_are_told_apart() {
        assert!(KEYS.is_sorted_by(|a, b| a.name < b.name));
        let mut variables: Vec<String> = KEYS.iter().map(|key| variable(key.name)).collect();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), KEYS.len());
    }
}
