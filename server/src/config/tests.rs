use super::*;

fn file(text: &str) -> Sources {
    Sources { file: Some(("duologue.toml".into(), text.into())), ..Sources::default() }
}

fn sets(all: &[&str]) -> Sources {
    Sources { sets: all.iter().map(ToString::to_string).collect(), ..Sources::default() }
}

fn error(sources: &Sources) -> String {
    Settings::load(sources).expect_err("it makes no sense").to_string()
}

#[test]
fn without_a_word_the_defaults_hold_and_are_those_of_the_core() {
    let settings = Settings::load(&Sources::default()).expect("defaults");
    assert_eq!(settings.rules(), duologue_core::rules::Rules::default());
    assert_eq!(settings.size("memory.budget"), 512 << 20);
    assert!(settings.count("connections.max") >= 1_200);
}

#[test]
fn the_environment_is_above_the_file_and_flags_are_above_both() {
    let mut sources = file("listen = \"127.0.0.1:1\"\n[invites]\nring = \"1s\"\nextend = \"1s\"\nin = 3\n[connections]\ngrace = \"1s\"");
    sources.environment = vec![("DUOLOGUE_INVITES_RING".into(), "2s".into()), ("DUOLOGUE_CONNECTIONS_GRACE".into(), "2s".into())];
    sources.sets = vec!["connections.grace=3s".into(), "listen=127.0.0.1:2".into()];
    sources.flags = vec![("--listen", "listen", "127.0.0.1:3".into())];
    let settings = Settings::load(&sources).expect("it makes sense");
    assert_eq!(settings.span("invites.extend"), Span::secs(1));
    assert_eq!(settings.span("invites.ring"), Span::secs(2));
    assert_eq!(settings.span("connections.grace"), Span::secs(3));
    assert_eq!(settings.value("listen"), &Value::Listen("127.0.0.1:3".parse().expect("an address")));
    assert_eq!(settings.place("invites.in"), Some("duologue.toml line 5"));
    assert_eq!(settings.place("invites.ring"), Some("environment DUOLOGUE_INVITES_RING"));
}

#[test]
fn a_rate_is_set_whole_or_in_parts_and_zero_turns_it_off() {
    let settings =
        Settings::load(&file("[rates]\nchat = { per = \"2/s\", burst = 3 }\n[rates.commands]\nper = 0\n[window.cards]\nper = 0"))
            .expect("rates");
    assert_eq!(settings.rate("rates.chat"), Rate::per(2, Span::secs(1), 3));
    assert!(settings.rate("rates.commands").is_off() && settings.rate("window.cards").is_off());
    let settings = Settings::load(&sets(&["rates.chat={per=\"7/min\",burst=9}", "rates.rings.per=1/10m"])).expect("rates");
    assert_eq!(settings.rate("rates.chat"), Rate::per(7, Span::mins(1), 9));
    assert_eq!(settings.rate("rates.rings"), Rate::per(1, Span::mins(10), 6));
    let sources = Sources { environment: vec![("DUOLOGUE_RATES_CHAT_PER".into(), "0".into())], ..Sources::default() };
    assert!(Settings::load(&sources).expect("a rate").rate("rates.chat").is_off());
}

#[test]
fn every_mistake_is_told_in_one_line_with_key_value_place_and_what_is_allowed() {
    for (text, expected) in [
        (
            "[connections]\ngrace = \"-1ms\"",
            "connections.grace = \"-1ms\" (duologue.toml line 2): allowed is a span from 1ms to 3650d, like \"10s\"",
        ),
        ("[connections]\ngrace = 10", "connections.grace = 10 (duologue.toml line 2): allowed is a span from 1ms to 3650d, like \"10s\""),
        ("connections.per_user = 0", "connections.per_user = 0 (duologue.toml line 1): allowed is a whole number from 1 to 16"),
        ("connections.per_user = 1.5", "connections.per_user = 1.5 (duologue.toml line 1): allowed is a whole number from 1 to 16"),
        (
            "connections.per_user = 99999999999999999999",
            "connections.per_user = 99999999999999999999 (duologue.toml line 1): allowed is a whole number from 1 to 16",
        ),
        ("[window]\nmax = -3", "window.max = -3 (duologue.toml line 2): allowed is a whole number from 1 to 64"),
        ("[window]\nsize = 60", "window.size = 60 (duologue.toml line 2): allowed is 1 to window.max"),
        ("[invites]\nseconds_min = 4000", "invites.seconds_min = 4000 (duologue.toml line 2): allowed is 1 to invites.seconds_max"),
        ("[invites]\nring_max = \"1s\"", "invites.ring_max = \"1s\" (duologue.toml line 2): allowed is at least invites.ring"),
        (
            "[connections]\nwhen_full = \"wait\"",
            "connections.when_full = \"wait\" (duologue.toml line 2): allowed is \"close_oldest\" or \"refuse_new\"",
        ),
        ("[connections]\ndead = \"1s\"", "connections.dead = \"1s\" (duologue.toml line 2): allowed is longer than connections.ping"),
        ("listen = \"8080\"", "listen = \"8080\" (duologue.toml line 1): allowed is an address and port like \"127.0.0.1:8080\""),
        ("access.required = \"yes\"", "access.required = \"yes\" (duologue.toml line 1): allowed is true or false"),
        (
            "memory.budget = \"1KiB\"",
            "memory.budget = \"1KiB\" (duologue.toml line 1): allowed is a size from 64MiB to 1TiB, like \"64KiB\"",
        ),
        (
            "[rates]\nchat = { per = \"often\" }",
            "rates.chat.per = \"often\" (duologue.toml line 2): allowed is per = \"30/s\" (or 0 for no limit) and burst = a whole number from 1 to 1000000",
        ),
        (
            "[rates]\nchat = 5",
            "rates.chat = 5 (duologue.toml line 2): allowed is per = \"30/s\" (or 0 for no limit) and burst = a whole number from 1 to 1000000",
        ),
        (
            "rates.chat.burst = 0",
            "rates.chat.burst = 0 (duologue.toml line 1): allowed is per = \"30/s\" (or 0 for no limit) and burst = a whole number from 1 to 1000000",
        ),
        (
            "http.origins = [\"*\"]",
            "http.origins = [\"*\"] (duologue.toml line 1): allowed is a list of origins like [\"https://app.example\"]: scheme, host, port where it is not the scheme's, no path",
        ),
        (
            "http.trusted_proxies = [\"x\"]",
            "http.trusted_proxies = [\"x\"] (duologue.toml line 1): allowed is a list of networks like [\"10.0.0.0/8\", \"2001:db8::1\"]",
        ),
        (
            "stun.urls = [\"http://x\"]",
            "stun.urls = [\"http://x\"] (duologue.toml line 1): allowed is a list of addresses that begin with stun: or stuns:",
        ),
        ("turn.urls = [\"turn:x\"]", "turn.secret = nothing (default): allowed is coturn's static-auth-secret, since there are turn.urls"),
        ("tls.certificate = \"a.pem\"", "tls.key = nothing (default): allowed is tls.certificate and tls.key, or neither"),
        ("admin.token = \"short\"", "admin.token = (not shown) (duologue.toml line 1): allowed is a text of at least 16 characters"),
        (
            "[auth.jwt]\nkeys = [{ alg = \"none\", key = \"0123456789012345678901234567890123456789\" }]",
            "auth.jwt.keys = (not shown) (duologue.toml line 2): allowed is a list like [{ alg = \"HS256\", kid = \"a\", key = \"at least 32 characters\" }]; alg is HS256, RS256, ES256 or EdDSA",
        ),
        (
            "[connections]\nno_such_key = 5",
            "connections.no_such_key = 5 (duologue.toml line 2): unknown key; allowed here are connections.answers, connections.answers_for, connections.dead, connections.grace, connections.hello, connections.max, connections.out_bytes, connections.per_user, connections.ping, connections.replay_bytes, connections.replay_messages, connections.when_full",
        ),
        (
            "[rates.chat]\nspeed = 5",
            "rates.chat.speed = 5 (duologue.toml line 2): unknown key; allowed are the keys of `duologue print-config`",
        ),
        ("colour = \"red\"", "colour = \"red\" (duologue.toml line 1): unknown key; allowed here are data, listen, preset"),
    ] {
        let told = error(&file(text));
        assert_eq!(told, expected);
        assert!(!told.contains('\n'));
    }
    let told = error(&file("listen = \n"));
    assert!(told.starts_with("duologue.toml line 1: ") && !told.contains('\n'), "{told}");
    assert!(error(&file("listen = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"")).starts_with("duologue.toml line 2: duplicate key"));
    assert_eq!(error(&sets(&["invites.ring"])), "--set invites.ring: allowed is key=value, like --set invites.ring=20s");
    assert_eq!(
        error(&sets(&["invites.ring=soon"])),
        "invites.ring = \"soon\" (--set invites.ring): allowed is a span from 1ms to 3650d, like \"10s\""
    );
    let environment = Sources { environment: vec![("DUOLOGUE_INVITES_RINGS".into(), "1s".into())], ..Sources::default() };
    assert!(error(&environment).starts_with("DUOLOGUE_INVITES_RINGS = \"1s\" (environment): unknown key"));
}

#[test]
fn lists_and_texts_may_be_said_bare() {
    let settings = Settings::load(&sets(&[
        "http.origins=https://a.example,http://b.example:5173",
        "turn.secret=12345",
        "stun.urls=[\"stun:s:3478\"]",
        "data=true",
    ]))
    .expect("lists");
    assert_eq!(settings.texts("http.origins"), ["https://a.example", "http://b.example:5173"]);
    assert_eq!((settings.text("turn.secret"), settings.text("data")), (Some("12345"), Some("true")));
    assert_eq!(settings.texts("stun.urls"), ["stun:s:3478"]);
}

#[test]
fn a_preset_sets_budget_and_connections_and_both_may_be_set_beside_it() {
    let settings = Settings::load(&sets(&["preset=2gb"])).expect("a preset");
    assert_eq!(settings.size("memory.budget"), 2 << 30);
    let more = settings.count("connections.max");
    let settings = Settings::load(&sets(&["preset=2gb", "memory.budget=1GiB"])).expect("a preset");
    assert_eq!((settings.size("memory.budget"), settings.count("connections.max")), (1 << 30, more / 2));
    assert_eq!(Settings::load(&sets(&["connections.max=20"])).expect("a number").limits().links_max, 20);
}

#[test]
fn everything_may_be_as_small_as_a_millisecond_or_a_piece() {
    for key in KEYS {
        let smallest = match key.kind {
            Kind::Span(..) => "\"1ms\"",
            Kind::Count(least, _) if least <= 1 => "1",
            _ => continue,
        };
        // Some only make sense beside another that is as small.
        let beside = match key.name {
            "invites.ring_max" => "\ninvites.ring = \"1ms\"",
            "calls.completed" => "\ncalls.counted = \"1ms\"",
            "connections.dead" => continue,
            "invites.seconds_max" => "\ninvites.seconds_min = 1",
            "window.max" => "\nwindow.size = 1",
            _ => "",
        };
        Settings::load(&file(&format!("{} = {smallest}{beside}", key.name))).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn what_is_printed_says_the_same_and_no_secret() {
    let sources = sets(&[
        "turn.secret=hush-hush",
        "turn.urls=turn:t.example:3478",
        "invites.ring=1500ms",
        "rates.chat.per=0",
        "http.trusted_proxies=10.0.0.0/8",
    ]);
    let settings = Settings::load(&sources).expect("it makes sense");
    let printed = print(&settings);
    assert!(!printed.contains("hush-hush"));
    assert!(printed.contains("ring = \"1500ms\"  # INV 3: how long it rings [--set invites.ring]"), "{printed}");
    let mut again = file(&printed);
    again.sets = vec!["turn.secret=hush-hush".into()];
    let again = Settings::load(&again).expect("what is printed can be read");
    for key in KEYS {
        assert_eq!(settings.value(key.name), again.value(key.name), "{}", key.name);
    }
}
