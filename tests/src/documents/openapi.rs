//! HTTP as OpenAPI 3.1: the table of routes, each with what it takes, what it answers, and the codes of its problems.

use super::messages::profile_fields;
use super::parts::{self, REFERENCE, why};
use super::schema::*;
use duologue_core::wire::Why;
use serde_json::{Map, Value, json};

/// An answer that is no problem.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    words: &'static str,
    content: Option<(&'static str, Schema)>,
}

/// A path and a method.
#[derive(Clone, Debug)]
pub struct Route {
    /// In lower case, as OpenAPI has it.
    pub method: &'static str,
    /// With names in braces.
    pub path: &'static str,
    words: &'static str,
    tag: &'static str,
    wants_token: bool,
    takes: Vec<(&'static str, Schema)>,
    query: Vec<Field>,
    answers: Vec<Answer>,
    problems: Vec<(u16, &'static [&'static str])>,
}

impl Route {
    fn new(method: &'static str, path: &'static str, words: &'static str) -> Route {
        let tag = match path {
            path if path.starts_with("/v1/admin") || path.starts_with("/health") || path == "/metrics" => "operators",
            path if path.starts_with("/v1/ws") || path.starts_with("/v1/quic") || path.ends_with(".json") => "carriers",
            _ => "people",
        };
        let (takes, query, answers, problems) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Route { method, path, words, tag, wants_token: false, takes, query, answers, problems }
    }

    fn answers(mut self, status: u16, words: &'static str, content: Option<(&'static str, Schema)>) -> Route {
        self.answers.push(Answer { status, words, content });
        self
    }

    fn json(self, status: u16, words: &'static str, schema: Schema) -> Route {
        self.answers(status, words, Some(("application/json", schema)))
    }

    fn problem(mut self, status: u16, codes: &'static [&'static str]) -> Route {
        self.problems.push((status, codes));
        self
    }

    /// A user's: with a token that is known.
    fn token(mut self) -> Route {
        self.wants_token = true;
        self.problem(401, &["bad_token", "expired_token"]).realm()
    }

    /// Asks the realm, which may be too busy.
    fn realm(self) -> Route {
        self.problem(429, &["rate_limited"]).problem(503, &["at_capacity", "unavailable"])
    }

    /// Takes an object.
    fn takes(mut self, fields: impl IntoIterator<Item = Field>) -> Route {
        self.takes.push(("application/json", object(fields)));
        self.body()
    }

    /// Takes a body, which may be none of what is wanted.
    fn body(self) -> Route {
        self.problem(400, &["bad_message"]).problem(413, &["too_large"]).problem(415, &["unsupported_media_type"])
    }

    fn query(mut self, fields: impl IntoIterator<Item = Field>) -> Route {
        self.query.extend(fields);
        self
    }

    /// In the protocol, and answered as what it is: not there.
    fn not_yet(method: &'static str, path: &'static str) -> Route {
        Route::new(method, path, "Not served yet").token().problem(404, &["unknown_path"])
    }

    /// Everything that may be answered: statuses, in their order.
    pub fn statuses(&self) -> Vec<u16> {
        let mut all: Vec<u16> = self.answers.iter().map(|answer| answer.status).collect();
        all.extend(self.problems.iter().map(|(status, _)| status));
        all.sort_unstable();
        all
    }
}

fn whom() -> Field {
    must("user", part("user"), "whom")
}

/// Every route, in the order of the paths.
pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new("get", "/asyncapi.json", "The messages of connections, as AsyncAPI 3")
            .json(200, "The document", json!({ "type": "object" }))
            .answers(304, "As you have it (`If-None-Match`)", None),
        Route::new("get", "/health", "How much of everything there is").json(200, "In numbers", health()).problem(503, &["unavailable"]),
        Route::new("get", "/health/live", "Whether the process answers").json(200, "It does", object([must("status", only("live"), "")])),
        Route::new("get", "/health/ready", "Whether newcomers are welcome")
            .json(200, "They are", object([must("status", only("ready"), "")]))
            .problem(503, &["unavailable"]),
        Route::new("get", "/media/{user}/{file}", "A picture; the path is `media_base` and a card's `selfie`")
            .answers(200, "384 by 384 pixels; never another one under this path", Some(("image/jpeg", json!({}))))
            .answers(304, "As you have it (`If-None-Match`)", None)
            .problem(404, &["unknown_path"]),
        Route::new("get", "/metrics", "For Prometheus")
            .answers(200, "Prometheus text; docs/operating.md has every name", Some(("text/plain", text())))
            .problem(503, &["unavailable"]),
        Route::new("get", "/openapi.json", "This document").json(200, "The document", json!({ "type": "object" })).answers(
            304,
            "As you have it (`If-None-Match`)",
            None,
        ),
    ];
    // `any` of the router.
    routes.extend(["delete", "get", "patch", "post", "put"].map(|method| Route::not_yet(method, "/v1/admin/{rest}")));
    let problems_of_words: &[&str] = &["bad_message", "invalid_target"];
    routes.extend([
        Route::new("post", "/v1/blocks", "Hides the two of you from each other (SAFE 4)")
            .token()
            .takes([whom()])
            .problem(422, problems_of_words)
            .json(201, "Done, also the second time", object([])),
        Route::new("delete", "/v1/blocks/{user}", "Takes a block back (SAFE 4)").token().problem(404, &["unknown_user"]).answers(
            204,
            "Done, also where there was none",
            None,
        ),
        Route::new("post", "/v1/guests", "Makes a new person, and a session (CON 1)")
            .realm()
            .takes([
                must("name", text(), "1 to 40 characters, after it was cleaned"),
                asked("gender", text(), "one of the operator's `profile.genders`"),
                asked("introduction", text(), "not used yet"),
                asked("access_code", text(), "not used yet"),
            ])
            .problem(422, &["bad_message"])
            .json(
                201,
                "A person and their token, which nobody can tell again",
                object([
                    must("user", part("card"), "your own"),
                    must("token", shaped("^[A-Za-z0-9_-]{43}$"), "opaque"),
                    must("expires", instant(), "the end of the session"),
                ]),
            ),
        Route::new("get", "/v1/history", "Your ended calls, newest first (CALL 8)")
            .token()
            .query([
                may("before", integer(1, duologue_core::kit::ids::MAX_INTEGER), "only calls before this one"),
                may("limit", integer(1, 100), "how many; 20 if absent"),
            ])
            .problem(422, &["bad_message"])
            .json(
                200,
                "A part of them",
                object([must("calls", list_of(part("past_call"), Some(100)), ""), must("more", flag(), "whether there are older ones")]),
            ),
        Route::not_yet("post", "/v1/introductions"),
        Route::not_yet("get", "/v1/introductions/{code}"),
        Route::not_yet("delete", "/v1/me"),
        Route::new("get", "/v1/me", "You").token().json(200, "You", part("me")),
        Route::new("patch", "/v1/me", "Changes your own card: what is absent stays, `null` clears")
            .token()
            .takes(profile_fields())
            .problem(422, &["bad_message"])
            .json(200, "You, as you are now", part("me")),
        selfie(),
        Route::not_yet("get", "/v1/notifications"),
        Route::not_yet("post", "/v1/notifications/{id}/read"),
        Route::new("get", "/v1/quic", "Where QUIC and WebTransport are").problem(404, &["unknown_path"]).json(
            200,
            "There",
            object([
                must("port", integer(1, 65_535), "UDP, of the same host"),
                must("alpn", only("duologue/1"), "for native clients"),
                must("webtransport", only("/v1/wt"), "the path"),
                must(
                    "certificate_sha256",
                    list_of(shaped("^[0-9a-f]{64}$"), None),
                    "the certificates to believe where nobody else vouches for them; ask again before you connect again",
                ),
            ]),
        ),
        Route::new("post", "/v1/reports", "Tells the operator about somebody, and hides the two of you like a block (SAFE 1)")
            .token()
            .takes([
                whom(),
                must("reason", text_of(0, 1_000), ""),
                asked("call", integer(1, duologue_core::kit::ids::MAX_INTEGER), "about which"),
            ])
            .problem(404, &["unknown_call"])
            .problem(422, problems_of_words)
            .json(201, "Kept, also the second time", object([])),
        Route::new("delete", "/v1/session", "Signs out: the token is worth nothing any more, its connections are closed (CON 1)")
            .token()
            .answers(204, "Done", None),
        Route::new("get", "/v1/ws", "Becomes a WebSocket: asyncapi.json says what is said on it")
            .answers(101, "It has become one", None)
            .problem(400, &["bad_message"])
            .problem(403, &["bad_origin"])
            .problem(426, &["bad_message"]),
    ]);
    routes
}

fn selfie() -> Route {
    let mut route = Route::new("put", "/v1/me/selfie", "Brings a picture of yourself: at most 512 KiB").token();
    for kind in ["image/jpeg", "image/png", "image/webp"] {
        route.takes.push((kind, json!({})));
    }
    let route = route.body().problem(404, &["unknown_path"]).problem(422, &["bad_message"]);
    route.json(200, "You, with `selfie` as the reference of the picture", part("me"))
}

/// An answer that is an error (RFC 9457).
fn problem(status: u16, codes: &[&str]) -> Schema {
    let mut fields = vec![
        must("title", text(), "for people who read logs"),
        must("status", only(status), ""),
        must("code", one_of(codes), "the one to branch on"),
    ];
    if codes.contains(&"bad_message") {
        fields.extend([may("field", text(), "where it was"), may("why", text(), "for developers")]);
    }
    if matches!(status, 429 | 503) {
        fields.push(must("retry_after_ms", large(), "when it is worth trying again; `Retry-After` says it in seconds"));
    }
    object(fields)
}

fn health() -> Schema {
    let share = || json!({ "type": "number", "minimum": 0 });
    let cache = || {
        object([
            must("hits", large(), ""),
            must("misses", large(), ""),
            must("hit_rate", json!({ "type": "number", "minimum": 0, "maximum": 1 }), "0 of nothing"),
            must("entries", small(0), ""),
        ])
    };
    object([
        must("status", one_of(&["ok", "degraded", "draining"]), "degraded: the store takes no facts"),
        must("version", text(), "of the server"),
        must("uptime_s", large(), ""),
        must(
            "memory",
            object([
                must("level", one_of(&["ok", "warning", "critical"]), "(MEM 1)"),
                must("used_bytes", large(), "resident"),
                must("budget_bytes", large(), "`memory.budget`"),
            ]),
            "",
        ),
        must(
            "connections",
            object([
                must("users", small(0), "people with a connection"),
                must("total", small(0), ""),
                must("live", small(0), ""),
                must("graced", small(0), "lost, and in their grace (CON 4)"),
                must("waiting", small(0), "sockets that have not said hello (CON 10)"),
                must("made_up", large(), "of `--with-people`"),
                must("limit", small(0), "`connections.max` (CON 3)"),
                must("utilization", share(), "total by limit"),
            ]),
            "",
        ),
        must("cache", object([must("users", cache(), ""), must("sessions", cache(), "")]), ""),
        must(
            "store",
            object([
                must("backend", only("sqlite"), ""),
                must("up", flag(), "whether it takes facts"),
                must("backlog", large(), "rows that are not known to be durable"),
            ]),
            "",
        ),
        must(
            "scalability",
            object([
                must("role", only("all"), ""),
                must("realm", text(), ""),
                must("node", small(1), ""),
                must("current", small(0), "connections"),
                must("maximum", small(0), "of them"),
            ]),
            "",
        ),
    ])
}

fn schemas() -> Map<String, Value> {
    let mut schemas = parts::shared();
    let line = object([must("from", part("user"), ""), must("text", text(), ""), must("at", instant(), "")]);
    let ends = [Why::Banned, Why::Blocked, Why::Deadline, Why::HangUp, Why::PeerLost, Why::Shutdown];
    let access = object([
        must("allowed", flag(), "whether lobby, windows, reel, tickets and invites are open to you"),
        may("code", text(), "not used yet"),
        may("uses_left", small(0), "not used yet"),
    ]);
    let more = [
        (
            "me",
            object([
                must("user", part("card"), "your own"),
                must("totals", part("totals"), ""),
                must("access", access, ""),
                must("expires", instant(), "the end of the session"),
            ]),
        ),
        (
            "past_call",
            object([
                must("call", part("id"), ""),
                must("peer", part("card"), "as they are now"),
                must("started", instant(), ""),
                must("ended", instant(), ""),
                must("seconds", large(), "its real length"),
                must("agreed", small(0), "seconds as agreed at first"),
                must("why", why(&ends), "it ended"),
                must("chat", list_of(line, None), "where the operator keeps it"),
            ]),
        ),
    ];
    schemas.extend(more.map(|(name, schema)| (name.to_string(), schema)));
    schemas
}

/// What may stand in a path.
fn in_path(name: &str) -> Value {
    let schema = match name {
        "file" => shaped(REFERENCE),
        "user" => part("user"),
        _ => text(),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

/// Problems that many routes have.
const USUAL: [(u16, &[&str]); 6] = [
    (400, &["bad_message"]),
    (401, &["bad_token", "expired_token"]),
    (413, &["too_large"]),
    (415, &["unsupported_media_type"]),
    (429, &["rate_limited"]),
    (503, &["at_capacity", "unavailable"]),
];

fn refused(status: u16, codes: &[&str]) -> Value {
    let mut response = json!({
        "description": format!("`{}`", codes.join("`, `")),
        "content": { "application/problem+json": { "schema": problem(status, codes) } }
    });
    if matches!(status, 429 | 503) {
        response["headers"] = json!({ "Retry-After": { "required": true, "schema": integer(1, u32::MAX.into()) } });
    }
    response
}

fn operation(route: &Route) -> Value {
    let mut responses = Map::new();
    for Answer { status, words, content } in &route.answers {
        let mut response = json!({ "description": words });
        if let Some((kind, schema)) = content {
            response["content"] = json!({ *kind: { "schema": schema } });
        }
        responses.insert(status.to_string(), response);
    }
    for (status, codes) in &route.problems {
        let is_usual = USUAL.contains(&(*status, codes));
        let response = if is_usual { json!({ "$ref": format!("#/components/responses/{status}") }) } else { refused(*status, codes) };
        responses.insert(status.to_string(), response);
    }
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = names.map(in_path).collect();
    let query = object(route.query.clone());
    for field in query["properties"].as_object().expect("fields") {
        parameters.push(json!({ "name": field.0, "in": "query", "required": false, "schema": field.1 }));
    }
    let words: String =
        route.path.split(['/', '{', '}', '.']).filter(|part| !part.is_empty() && *part != "v1").collect::<Vec<_>>().join("_");
    let mut operation = json!({
        "operationId": format!("{}_{words}", route.method),
        "summary": route.words,
        "tags": [route.tag],
        "security": if route.wants_token { json!([{ "token": [] }]) } else { json!([]) },
        "responses": responses
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if !route.takes.is_empty() {
        let content: Map<String, Value> =
            route.takes.iter().map(|(kind, schema)| (kind.to_string(), json!({ "schema": schema }))).collect();
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

/// The document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in routes() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        assert!(path.get(route.method).is_none(), "{} {} stands twice", route.method, route.path);
        path[route.method] = operation(&route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Duologue",
            "version": "1.0.0",
            "description": "Timed calls of two: what is asked over HTTP. Calls themselves are asyncapi.json. Every refusal is a \
                problem (RFC 9457) with a stable `code`; a method that a path does not take is 405 `method_not_allowed`, a path that is \
                not there 404 `unknown_path`. Marks like SAFE 4 point to docs/rules.md.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "carriers", "description": "Where messages go" },
            { "name": "operators", "description": "How the server is; to be kept from strangers by a proxy" },
            { "name": "people", "description": "What users ask" }
        ],
        "paths": paths,
        "components": {
            "responses": USUAL.iter().map(|(status, codes)| (status.to_string(), refused(*status, codes))).collect::<Map<_, _>>(),
            "schemas": schemas(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "the token of POST /v1/guests" } }
        }
    })
}
