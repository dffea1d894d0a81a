//! `/metrics` in Prometheus text: the realm's numbers and those of HTTP. One table; a name is never given another meaning.

use super::{App, Problem};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::middleware::Next;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers over HTTP so far, by the hundred of their status.
#[derive(Debug, Default)]
pub struct Counters {
    answers: [AtomicU64; 5],
}

/// Counts an answer.
pub(super) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100).clamp(1, 5) - 1;
    app.counters.answers[class].fetch_add(1, Ordering::Relaxed);
    response
}

/// All of them.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response<Body>, Problem> {
    let snapshot = app.driver.look().await.map_err(|_| Problem::unavailable())?;
    let (engine, gateway, turns) = (snapshot.engine, snapshot.gateway, snapshot.turns);
    let (used, level) = app.memory.level();
    let mut text = Text::default();
    text.gauge(
        "connections",
        "Connections of the realm",
        &[("state=\"live\"", engine.links_live.into()), ("state=\"graced\"", engine.links_graced.into())],
    );
    text.gauge("sockets", "Open sockets", &[("stage=\"waiting\"", gateway.waiting.into()), ("stage=\"all\"", gateway.connections.into())]);
    if let Some(usage) = app.carrier.as_ref().map(|carrier| carrier.usage()) {
        text.gauge(
            "quic_connections",
            "Connections over QUIC",
            &[("stage=\"opening\"", usage.openings), ("stage=\"open\"", usage.connections)],
        );
        text.counter(
            "quic_first_packets",
            "Connections that clients began over QUIC",
            &[("answer=\"accepted\"", usage.accepted), ("answer=\"retried\"", usage.retried), ("answer=\"refused\"", usage.refused)],
        );
        text.counter("quic_openings_failed", "Connections over QUIC of which nothing came", &[("", usage.failed)]);
    }
    text.gauge("connections_limit", "Connections that are let in", &[("", app.connections_max.into())]);
    text.gauge("people", "People in memory", &[("", engine.users.into())]);
    text.gauge("available", "People in a lobby and free", &[("", engine.available.into())]);
    text.gauge("calls", "Live calls", &[("", engine.calls.into())]);
    text.gauge("invites", "Open invites", &[("", engine.invites.into())]);
    text.gauge("tickets", "Open tickets", &[("", engine.tickets.into())]);
    text.gauge("cooldowns", "Pairs under cooldown in memory", &[("", engine.cooldowns.into())]);
    text.gauge("sessions", "Sessions in memory", &[("", engine.sessions.into())]);
    text.gauge("parked", "Inputs that wait for rows", &[("", engine.parked.into())]);
    text.gauge("relays", "Calls whose signals are relayed", &[("", gateway.relays.into())]);
    text.gauge("link_bytes", "Bytes of links", &[("kind=\"queue\"", gateway.queue_bytes), ("kind=\"replay\"", gateway.replay_bytes)]);
    text.gauge("store_up", "Whether the store takes facts", &[("", u64::from(snapshot.store_up))]);
    text.gauge("store_backlog_rows", "Rows that are not known to be durable", &[("", snapshot.backlog as u64)]);
    text.gauge("memory_bytes", "Resident memory and its budget", &[("kind=\"used\"", used), ("kind=\"budget\"", app.memory.budget())]);
    text.gauge("memory_level", "0 ok, 1 warning, 2 critical", &[("", level as u64)]);
    if let Some(usage) = app.media.as_ref().map(|media| media.usage()) {
        text.gauge("media_files", "Pictures that are kept", &[("", usage.files)]);
        text.gauge(
            "media_bytes",
            "Bytes of pictures, and how many there may be",
            &[("kind=\"used\"", usage.bytes), ("kind=\"max\"", usage.bytes_max)],
        );
        text.counter("media_pictures", "Pictures that came", &[("result=\"taken\"", usage.kept), ("result=\"refused\"", usage.refused)]);
    }
    text.gauge("uptime_seconds", "Since the realm began", &[("", snapshot.uptime.as_secs())]);
    text.counter(
        "cache_lookups",
        "Look-ups",
        &[
            ("cache=\"users\",result=\"hit\"", engine.user_hits),
            ("cache=\"users\",result=\"miss\"", engine.user_misses),
            ("cache=\"sessions\",result=\"hit\"", engine.session_hits),
            ("cache=\"sessions\",result=\"miss\"", engine.session_misses),
        ],
    );
    text.counter("inputs", "Inputs of the engine", &[("result=\"taken\"", turns.inputs), ("result=\"refused\"", turns.refused)]);
    text.counter("released", "Outputs released", &[("", turns.released)]);
    text.counter("turns", "Turns of the driver", &[("kind=\"all\"", turns.turns), ("kind=\"idle\"", turns.idle)]);
    text.counter("panics", "Engines that panicked", &[("", turns.panics)]);
    text.counter("time_clamped", "Earlier instants that were clamped", &[("", engine.clamped + gateway.clamped)]);
    let answers: Vec<u64> = app.counters.answers.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    text.counter(
        "http_answers",
        "Answers over HTTP",
        &[
            ("class=\"1xx\"", answers[0]),
            ("class=\"2xx\"", answers[1]),
            ("class=\"3xx\"", answers[2]),
            ("class=\"4xx\"", answers[3]),
            ("class=\"5xx\"", answers[4]),
        ],
    );
    let mut response = Response::new(Body::from(text.0));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge(&mut self, name: &str, help: &str, samples: &[(&str, u64)]) {
        self.family(name, "gauge", help, samples);
    }

    fn counter(&mut self, name: &str, help: &str, samples: &[(&str, u64)]) {
        self.family(&format!("{name}_total"), "counter", help, samples);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[(&str, u64)]) {
        let _ = write!(self.0, "# HELP duologue_{name} {help}\n# TYPE duologue_{name} {kind}\n");
        for (labels, value) in samples {
            let _ = if labels.is_empty() {
                writeln!(self.0, "duologue_{name} {value}")
            } else {
                writeln!(self.0, "duologue_{name}{{{labels}}} {value}")
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let mut text = Text::default();
        text.counter("turns", "Turns", &[("kind=\"all\"", 7)]);
        text.gauge("calls", "Live calls", &[("", 2)]);
        assert_eq!(
            text.0,
            "# HELP duologue_turns_total Turns\n# TYPE duologue_turns_total counter\nduologue_turns_total{kind=\"all\"} 7\n\
             # HELP duologue_calls Live calls\n# TYPE duologue_calls gauge\nduologue_calls 2\n"
        );
    }
}
