//! The built-in store of pictures (`docs/protocol.md`, "Pictures"): what a client may rely on, and what becomes of those who wish ill.

use duologue_tests::http::{Bytes, send};
use duologue_tests::{Guest, Server, http, until};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const ORANGE: [u8; 3] = [230, 120, 40];
const TEAL: [u8; 3] = [20, 130, 130];

fn jpeg(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new(&mut bytes).encode_image(&RgbImage::from_pixel(640, 480, Rgb(colour))).expect("a JPEG");
    bytes
}

fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).expect("a PNG");
    bytes
}

fn webp(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes).encode(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).expect("a WebP");
    bytes
}

/// A PNG whose header says so many pixels, and which has none.
fn announced(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&RgbImage::new(1, 1));
    bytes[16..24].copy_from_slice(&[width.to_be_bytes(), height.to_be_bytes()].concat());
    let sum = bytes[12..29].iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    });
    bytes[29..33].copy_from_slice(&(!sum).to_be_bytes());
    bytes
}

async fn put(server: &Server, token: &str, kind: &str, body: &[u8]) -> Bytes {
    let authorization = format!("Bearer {token}");
    send(server.at, "PUT", "/v1/me/selfie", &[("authorization", &authorization), ("content-type", kind)], body).await
}

/// Brings a picture, which must be taken; gives its path.
async fn kept(server: &Server, guest: &Guest, colour: [u8; 3]) -> String {
    let answer = put(server, &guest.token, "image/jpeg", &jpeg(colour)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    format!("/media/{}", answer.field("user")["selfie"].as_str().expect("a reference"))
}

async fn get(server: &Server, path: &str) -> Bytes {
    send(server.at, "GET", path, &[], &[]).await
}

fn refused(answer: &Bytes) -> (u16, Value) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    (answer.status, answer.field("code"))
}

/// Everything in the folder of pictures.
fn files(server: &Server) -> Vec<PathBuf> {
    let Ok(people) = fs::read_dir(server.folder.path().join("media")) else { return Vec::new() };
    people
        .flat_map(|person| fs::read_dir(person.expect("an entry").path()).expect("a folder"))
        .map(|file| file.expect("a file").path())
        .collect()
}

/// Kilobytes of memory that the process had at most, and has (`proc(5)`).
fn memory(server: &Server) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid)).expect("it lives");
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    };
    (value("VmHWM:"), value("VmRSS:"))
}

/// One's own picture is put, is on the card that others see, and is served as what it is, for ever, to pages that were listed.
#[tokio::test]
async fn a_picture_is_on_the_card_and_is_served_for_ever() {
    let mut server = Server::with(&["http.origins=https://app.example"]).await;
    let mut ann = server.in_lobby("Ann").await;
    let mut bob = server.in_lobby("Bob").await;
    bob.ok("window", json!({ "size": 5 })).await;
    bob.hears("window").await;

    let answer = put(&server, &ann.guest.token, "image/jpeg", &jpeg(ORANGE)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let me = http::get(server.at, "/v1/me", Some(&ann.guest.token)).await;
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).expect("JSON"), me, "the answer is that of /v1/me");
    let reference = me["user"]["selfie"].as_str().expect("a reference");
    assert!(reference.len() <= 64 && reference.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(&b)), "{reference}");
    let shown = bob.hears("window_delta").await;
    assert_eq!(shown["set"][0][1]["selfie"], reference);

    let path = format!("/media/{reference}");
    let origin = [("origin", "https://app.example"), ("accept-encoding", "gzip, br")];
    let served = send(server.at, "GET", &path, &origin, &[]).await;
    assert_eq!(served.status, 200);
    for (name, value) in [
        ("content-type", Some("image/jpeg")),
        ("x-content-type-options", Some("nosniff")),
        ("cache-control", Some("public, max-age=31536000, immutable")),
        ("access-control-allow-origin", Some("https://app.example")),
        ("content-encoding", None),
    ] {
        assert_eq!(served.header(name), value, "{name}");
    }
    let picture = image::load_from_memory_with_format(&served.body, ImageFormat::Jpeg).expect("a JPEG").to_rgb8();
    assert_eq!((picture.width(), picture.height()), (384, 384));
    assert!(picture.get_pixel(200, 200).0.iter().zip(ORANGE).all(|(a, b)| a.abs_diff(b) < 12));
    let etag = served.header("etag").expect("a tag");
    let again = send(server.at, "GET", &path, &[("if-none-match", etag)], &[]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = send(server.at, "HEAD", &path, &[], &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let unlisted = send(server.at, "GET", &path, &[("origin", "https://evil.example")], &[]).await;
    assert_eq!(unlisted.header("access-control-allow-origin"), None);

    // PNG and WebP become the same.
    for (kind, body) in
        [("image/png", png(&RgbImage::from_pixel(64, 64, Rgb(TEAL)))), ("image/webp", webp(&RgbImage::from_pixel(64, 64, Rgb(TEAL))))]
    {
        let answer = put(&server, &ann.guest.token, kind, &body).await;
        assert_eq!(answer.status, 200, "{kind}: {answer:?}");
        let path = format!("/media/{}", answer.field("user")["selfie"].as_str().expect("a reference"));
        assert_eq!(get(&server, &path).await.header("content-type"), Some("image/jpeg"));
    }
    ann.catch_up().await;
    server.assert_well();
}

/// "The old one is gone": after a new one at once, after `profile` and `PATCH` soon; what is acknowledged outlives a kill.
#[tokio::test]
async fn the_old_picture_is_gone_and_the_present_one_survives_a_kill() {
    let server = Server::start().await;
    let mut ann = server.enter("Ann").await;
    let old = kept(&server, &ann.guest, ORANGE).await;
    let new = kept(&server, &ann.guest, TEAL).await;
    assert_ne!(old, new);
    assert_eq!(refused(&get(&server, &old).await), (404, json!("unknown_path")));
    assert_eq!((get(&server, &new).await.status, files(&server).len()), (200, 1));
    // The same again is the same.
    assert_eq!(kept(&server, &ann.guest, TEAL).await, new);
    assert_eq!((get(&server, &new).await.status, files(&server).len()), (200, 1));

    let folder = server.folder.path().join("media").join(ann.guest.user.as_str());
    fs::write(folder.join("0.part"), b"half of a picture").expect("written");
    fs::write(folder.join("0123456789abcdef.jpg"), b"written, and killed before its row").expect("written");
    let mut server = server.kill().await.restart().await;
    assert_eq!(get(&server, &new).await.status, 200);
    until("what the kill left is gone", async || (files(&server).len() == 1).then_some(())).await;

    // Taken off over the link, it is gone for everybody.
    let mut ann = server_again(&server, &mut ann).await;
    let card = ann.ok("profile", json!({ "selfie": null })).await;
    assert_eq!(card["user"]["selfie"], Value::Null);
    until("the picture is gone", async || (get(&server, &new).await.status == 404).then_some(())).await;
    let third = kept(&server, &ann.guest, ORANGE).await;
    let patched = http::ask(server.at, "PATCH", "/v1/me", Some(&ann.guest.token), Some(&json!({ "selfie": "host/of/mine.webp" }))).await;
    assert_eq!(patched.body["user"]["selfie"], "host/of/mine.webp");
    until("the picture is gone", async || (get(&server, &third).await.status == 404).then_some(())).await;
    until("and nothing is left of it", async || files(&server).is_empty().then_some(())).await;
    server.assert_well();
}

async fn server_again(server: &Server, old: &mut duologue_tests::Client) -> duologue_tests::Client {
    duologue_tests::Client::open(server.at, &old.guest).await
}

/// Whoever names another's picture as their own cannot have it thrown away by bringing one, nor keep it when its owner takes it off.
#[tokio::test]
async fn nobody_has_power_over_another_s_picture() {
    let server = Server::start().await;
    let (ann, mallory) = (server.guest("Ann").await, server.guest("Mallory").await);
    let hers = kept(&server, &ann, ORANGE).await;
    let reference = hers.trim_start_matches("/media/");
    let stolen = http::ask(server.at, "PATCH", "/v1/me", Some(&mallory.token), Some(&json!({ "selfie": reference }))).await;
    assert_eq!(stolen.status, 200);
    kept(&server, &mallory, TEAL).await;
    assert_eq!(get(&server, &hers).await.status, 200);
    http::ask(server.at, "PATCH", "/v1/me", Some(&mallory.token), Some(&json!({ "selfie": reference }))).await;
    let newer = kept(&server, &ann, TEAL).await;
    assert_eq!((get(&server, &hers).await.status, get(&server, &newer).await.status), (404, 200));
}

/// A token first, then the length, the type, the picture; each with its own code.
#[tokio::test]
async fn what_is_no_picture_is_refused_with_its_code_and_leaves_nothing() {
    let mut server = Server::start().await;
    let ann = server.guest("Ann").await;
    let good = jpeg(ORANGE);
    assert_eq!(
        refused(&send(server.at, "PUT", "/v1/me/selfie", &[("content-type", "image/jpeg")], &good).await),
        (401, json!("bad_token"))
    );
    assert_eq!(
        refused(&put(&server, "nonsense", "text/html", b"x").await),
        (401, json!("bad_token")),
        "before anything is said of the body"
    );

    let heavy = vec![0u8; (512 << 10) + 1];
    assert_eq!(refused(&put(&server, &ann.token, "image/jpeg", &heavy).await), (413, json!("too_large")));
    let chunks: Vec<u8> = [&b"81000\r\n"[..], &vec![0; 0x81000], b"\r\n0\r\n\r\n"].concat();
    let authorization = format!("Bearer {}", ann.token);
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "image/png"),
        ("transfer-encoding", "chunked"),
        ("content-length", ""),
    ];
    assert_eq!(refused(&send(server.at, "PUT", "/v1/me/selfie", &headers[..3], &chunks).await).0, 413, "also without a length");

    for kind in ["", "text/html", "application/json", "image/gif", "image/svg+xml", "image/jpg", "multipart/form-data; boundary=x"] {
        assert_eq!(refused(&put(&server, &ann.token, kind, &good).await), (415, json!("unsupported_media_type")), "{kind}");
    }
    for body in [&b""[..], b"<svg onload='alert(1)'/>", b"<!doctype html><script>", b"GIF89a\x01\0\x01\0\0\0\0;", b"PK\x03\x04"] {
        assert_eq!(refused(&put(&server, &ann.token, "image/jpeg", body).await), (415, json!("unsupported_media_type")));
    }
    for (width, height) in [(60_000, 60_000), (4_097, 1), (4_096, 4_096)] {
        assert_eq!(refused(&put(&server, &ann.token, "image/png", &announced(width, height)).await), (413, json!("too_large")));
    }
    for cut in [&good[..good.len() / 2], &png(&RgbImage::new(99, 99))[..60], &webp(&RgbImage::new(99, 99))[..30]] {
        let answer = put(&server, &ann.token, "image/jpeg", cut).await;
        assert_eq!(refused(&answer), (422, json!("bad_message")), "{answer:?}");
        assert_eq!(answer.field("field"), "selfie");
    }
    assert_eq!(files(&server), Vec::<PathBuf>::new());
    assert_eq!(http::get(server.at, "/v1/me", Some(&ann.token)).await["user"].get("selfie"), None);

    // It is what it is, not what it is said to be; and what lies behind it is nobody's.
    let polyglot = [&png(&RgbImage::from_pixel(9, 9, Rgb(TEAL)))[..], b"<script>alert(1)</script>"].concat();
    let answer = put(&server, &ann.token, "image/jpeg; charset=x", &polyglot).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let path = format!("/media/{}", answer.field("user")["selfie"].as_str().expect("a reference"));
    let served = get(&server, &path).await;
    assert!(!served.body.windows(6).any(|part| part == b"script"));
    assert_eq!(send(server.at, "PATCH", "/v1/me/selfie", &headers[..2], &good).await.status, 405);
    let metrics = String::from_utf8(get(&server, "/metrics").await.body).expect("text");
    assert!(
        metrics.contains("duologue_media_files 1\n") && metrics.contains("duologue_media_pictures_total{result=\"taken\"} 1\n"),
        "{metrics}"
    );
    server.assert_well();
}

/// Nothing that is asked for leaves the folder of pictures, or the form of their names.
#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let mut server = Server::start().await;
    let ann = server.guest("Ann").await;
    let path = kept(&server, &ann, ORANGE).await;
    let (folder, file) = path.rsplit_once('/').expect("a folder and a file");
    for outside in [
        "/media/../duologue.db".to_string(),
        "/media/..%2fduologue.db/x".into(),
        "/media/../../etc/passwd".into(),
        "/media/%2e%2e/duologue.db".into(),
        "/media/..%2f../duologue.db".into(),
        format!("{folder}/..%2f..%2f..%2fduologue.db"),
        format!("{folder}/%2e%2e%2f{file}"),
        format!("{folder}//{file}"),
        format!("{folder}/./{file}"),
        format!("{folder}/{file}/"),
        format!("{folder}/{file}%00.png"),
        format!("{folder}/{}", file.to_uppercase()),
        format!("{folder}/%ff%fe.jpg"),
        format!("{folder}/"),
        folder.into(),
        "/media/".into(),
        "/media//etc/passwd".into(),
        "/media/..\\..\\duologue.db".into(),
        "//media/../../../etc/passwd".into(),
    ] {
        let answer = get(&server, &outside).await;
        assert!(matches!(answer.status, 400 | 404), "{outside}: {answer:?}");
        assert!(!answer.body.windows(6).any(|part| part == b"SQLite"), "{outside}");
    }
    assert_eq!(get(&server, &path).await.status, 200);
    server.assert_well();
}

/// A lossless WebP of 16 by 16 that says nothing but how its colours are coded, in as many tables as fit into its bytes: four kilobytes of table
/// from twelve bytes (RFC 9649, 3.7). The worst that is known of what a decoder does not bound.
fn tables(size: usize) -> Vec<u8> {
    let mut bits: Vec<(u32, u32)> = vec![(15, 14), (15, 14), (0, 1), (0, 3), (0, 1), (0, 1)];
    // Which table where: in blocks of four pixels, coded by colours of which each is the only one: number 65,535 everywhere.
    bits.extend([(1, 1), (0, 3), (0, 1)]);
    bits.extend([255, 255, 0, 0, 0].map(|colour| (0b101 | colour << 3, 11)));
    let one = bits.len();
    // Lengths 1 to 10, and 10 again, in a code of six lengths of three bits and four of four.
    bits.extend([(0, 1), (10, 4)]);
    let (order, short) = ([17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10], 1..=6);
    bits.extend(order.map(|length| {
        if !(1..=10).contains(&length) {
            (0, 3)
        } else if short.contains(&length) {
            (3, 3)
        } else {
            (4, 3)
        }
    }));
    bits.extend([(1, 1), (1, 3), (9, 4)]);
    let reversed = |code: u32, length: u32| (code.reverse_bits() >> (32 - length), length);
    bits.extend((1..=10).chain([10]).map(|length| if length <= 6 { reversed(length - 1, 3) } else { reversed(12 + length - 7, 4) }));
    let table = bits.split_off(one);
    let (mut bytes, mut held, mut count) = (vec![0x2f], 0u64, 0);
    let mut all = bits.iter().chain(table.iter().cycle());
    while bytes.len() < size {
        let (value, length) = all.next().expect("for ever");
        held |= u64::from(*value) << count;
        count += length;
        while count >= 8 {
            bytes.push(held as u8);
            (held, count) = (held >> 8, count - 8);
        }
    }
    bytes.truncate(size);
    let length = |more: usize| ((bytes.len() + more) as u32).to_le_bytes();
    [&b"RIFF"[..], &length(12), b"WEBPVP8L", &length(0), &bytes].concat()
}

/// MEM: whatever is thrown at it at once, one picture is decoded at a time, and nothing larger than its header says. What bombs make
/// of the process's memory is measured.
#[tokio::test]
async fn bombs_take_a_bounded_memory_and_nobody_s_call() {
    let mut server = Server::with(&["rates.guests={ per = 0 }"]).await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    // Eight million pixels in a few kilobytes; one frame of 16,383 by 16,383 in a WebP of 10 by 10; a header without pixels.
    let largest = png(&RgbImage::from_pixel(4_096, 2_048, Rgb(TEAL)));
    let part = |name: &[u8; 4], content: &[u8]| [&name[..], &(content.len() as u32).to_le_bytes(), content].concat();
    let frame = [&[0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..], &[0; 4_000]].concat();
    let parts = [part(b"VP8X", &[0, 0, 0, 0, 9, 0, 0, 9, 0, 0]), part(b"VP8 ", &frame)].concat();
    let film = [&b"RIFF"[..], &(parts.len() as u32 + 4).to_le_bytes(), b"WEBP", &parts].concat();
    let bombs = [
        ("image/png", largest, 200),
        ("image/webp", film, 413),
        ("image/webp", tables(128 << 10), 422),
        ("image/webp", tables(500 << 10), 413),
        ("image/png", announced(60_000, 60_000), 413),
    ];
    let (_, before) = memory(&server);
    let mut throws = Vec::new();
    for number in 0..15 {
        let (guest, at) = (server.guest("Boris").await, server.at);
        let (kind, bomb, status) = bombs[number % bombs.len()].clone();
        throws.push(tokio::spawn(async move {
            let authorization = format!("Bearer {}", guest.token);
            let answer = send(at, "PUT", "/v1/me/selfie", &[("authorization", &authorization), ("content-type", kind)], &bomb).await;
            assert_eq!(answer.status, status, "{kind}: {}", answer.head);
        }));
    }
    // Meanwhile two people talk.
    for _ in 0..5 {
        ann.ok("chat", json!({ "call": call, "text": "was that thunder?" })).await;
        bob.hears("chat").await;
    }
    for throw in throws {
        throw.await.expect("it was answered");
    }
    let (most, _) = memory(&server);
    let grown = most.saturating_sub(before) >> 10;
    eprintln!("fifteen bombs: {grown} MiB at the most");
    assert!(grown < 192, "{grown} MiB");
    server.assert_well();
}

/// Whoever sends slowly, or several at once, keeps nobody else from bringing a picture.
#[tokio::test]
async fn one_at_a_time_of_each_and_a_slow_one_harms_nobody() {
    use tokio::io::AsyncWriteExt;
    let mut server = Server::start().await;
    let (ann, bob) = (server.guest("Ann").await, server.guest("Bob").await);
    let mut slow = tokio::net::TcpStream::connect(server.at).await.expect("it listens");
    let head = format!(
        "PUT /v1/me/selfie HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: image/jpeg\r\ncontent-length: 5000\r\n\r\n",
        server.at, ann.token
    );
    slow.write_all(head.as_bytes()).await.expect("sent");
    let second = until("the second one is told to wait", async || {
        let answer = put(&server, &ann.token, "image/jpeg", &jpeg(TEAL)).await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    assert_eq!((refused(&second).1, second.header("retry-after")), (json!("rate_limited"), Some("1")));
    kept(&server, &bob, ORANGE).await;
    // Broken off, it is her turn again.
    drop(slow);
    until("her turn", async || (put(&server, &ann.token, "image/jpeg", &jpeg(TEAL)).await.status == 200).then_some(())).await;
    assert_eq!(files(&server).len(), 2);
    server.assert_well();
}

/// `media.store = "none"`: nothing is there, which is told with a stable code to whoever has a token; references go on to be taken.
#[tokio::test]
async fn where_the_store_is_off_there_is_none() {
    let mut server = Server::with(&["media.store=none", "media.base_url=https://media.example/"]).await;
    let mut ann = server.enter("Ann").await;
    assert_eq!(refused(&put(&server, &ann.guest.token, "image/jpeg", &jpeg(ORANGE)).await), (404, json!("unknown_path")));
    assert_eq!(refused(&put(&server, "nonsense", "image/jpeg", &jpeg(ORANGE)).await), (401, json!("bad_token")));
    let path = format!("/media/{}/0123456789abcdef.jpg", ann.guest.user);
    assert_eq!(refused(&get(&server, &path).await), (404, json!("unknown_path")));
    assert_eq!(ann.ok("profile", json!({ "selfie": "a/b.jpg" })).await["user"]["selfie"], "a/b.jpg");
    assert!(!server.folder.path().join("media").exists());
    server.assert_well();
}

/// `media.disk_max`: there is an end of it, told as what it is.
#[tokio::test]
async fn a_full_disk_of_pictures_is_unavailable_until_one_goes() {
    let mut server = Server::with(&["media.disk_max=1MiB", "rates.guests={ per = 0 }"]).await;
    // Noise does not become small.
    let noise = |seed: u32| {
        let mut state = seed;
        let mut draw = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        png(&RgbImage::from_fn(384, 384, |_, _| Rgb([draw(), draw(), draw()])))
    };
    let mut last = None;
    let mut answer = None;
    for seed in 0..40 {
        let guest = server.guest("Nora").await;
        let told = put(&server, &guest.token, "image/png", &noise(seed)).await;
        if told.status != 200 {
            answer = Some((told, guest));
            break;
        }
        last = Some(guest);
    }
    let (told, unlucky) = answer.expect("a megabyte is full at some time");
    assert_eq!(refused(&told), (503, json!("unavailable")));
    let bytes: u64 = files(&server).iter().map(|file| fs::metadata(file).expect("a file").len()).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    let last = last.expect("some fitted in");
    http::ask(server.at, "PATCH", "/v1/me", Some(&last.token), Some(&json!({ "selfie": null }))).await;
    until("there is room again", async || (put(&server, &unlucky.token, "image/png", &noise(99)).await.status == 200).then_some(())).await;
    assert_eq!(server.errors().iter().filter(|line| line.contains("media.disk_max")).count(), 1, "{:?}", server.errors());
    tokio::time::timeout(Duration::from_secs(20), async { server.assert_well() }).await.expect("at once");
}
