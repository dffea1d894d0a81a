//! Golden vectors of compact descriptions: what was said in calls, and what travels. Every other implementation must write and
//! read exactly these, except that what is deflated must only be read.

use crate::captures::{Call, Said, calls, read};
use duologue_core::wire::Candidate;
use duologue_signaling::compact::{Codec, Library};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Texts that no browser makes.
const ODD: [&str; 12] = [
    "",
    "\r\n",
    "v=0\r\n",
    "v=0\n",
    "~",
    "~0.~1.AAAA",
    "v=0\r\no=- 0 2 IN IP4 127.0.0.1\r\ns=grüße\r\nt=0 0\r\n",
    "v=0\r\ns=\u{1}Ax\u{2}\r\n",
    "v=0\r\no=- 18446744073709551615 4294967295 IN IP6 fe80::1:0:0:1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0 8 127 128\r\nc=IN IP6 ::\r\na=setup:holdconn\r\na=inactive\r\n",
    "v=0\r\no=- 007 02 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=video 65535 X 96 97 96\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-fb:* nack\r\n",
    "a=ssrc:1 cname:{00000000-0000-4000-8000-000000000000}\r\na=ssrc:1 msid:{00000000-0000-0000-0000-000000000000} -\r\na=fingerprint:md5 00:FF\r\n",
    "x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Candidates that no browser makes: text, `mid`, `line`.
const ODD_CANDIDATES: [(&str, Option<&str>, Option<u32>); 6] = [
    ("", None, None),
    ("", Some("0"), Some(0)),
    ("~", Some(""), Some(70_000)),
    ("candidate:x\n\u{1}", Some("größe"), Some(3)),
    ("candidate:00 1 udp 4294967296 fe80::1 0 typ host ufrag ab network-id 1000", Some("audio"), None),
    ("candidate:1 256 UDP 1 1.2.3.4 65535 typ srflx raddr ::1 rport 9 generation 0", Some("7"), Some(7)),
];

/// Makes them from the captures of a folder, with the committed library: a line each.
///
/// # Errors
/// As reading the captures has them.
pub fn make(folder: &Path) -> io::Result<Vec<Value>> {
    let library = Arc::new(Library::built_in());
    let captures = read(folder)?;
    let mut all: Vec<Value> = calls(&captures).iter().map(|call| one_call(&library, call)).collect();
    for text in ODD {
        let carried = Codec::new(library.clone()).carry_description(text);
        all.push(json!({"name": "odd", "steps": [{"from": 0, "sdp": text, "carried": carried}]}));
    }
    let short = captures.iter().filter_map(|capture| capture.sdp.as_deref()).filter(|sdp| (2_000..3_200).contains(&sdp.len()));
    for (number, pair) in short.collect::<Vec<_>>().chunks_exact(2).take(4).enumerate() {
        all.push(changed(&library, number, pair[0], pair[1]));
    }
    let mut codec = Codec::new(library.clone());
    let steps: Vec<Value> = ODD_CANDIDATES
        .iter()
        .map(|(text, mid, line)| {
            let candidate = Candidate { candidate: text.to_string(), mid: mid.map(String::from), line: *line };
            step_of(0, &candidate, &codec.carry_candidate(&candidate))
        })
        .collect();
    all.push(json!({"name": "odd candidates", "steps": steps}));
    Ok(all)
}

/// A call in which one side says a text and what became of it, the other something else: nothing is quite as expected.
fn changed(library: &Arc<Library>, number: usize, text: &str, other: &str) -> Value {
    let lines: Vec<&str> = text.split("\r\n").collect();
    let every = |nth: usize| lines.iter().enumerate().filter(move |(at, _)| at % nth != number).map(|(_, line)| *line);
    let texts = [
        text.to_string(),
        every(7).collect::<Vec<_>>().join("\r\n"),
        every(9).flat_map(|line| if line.ends_with('0') { vec![line, line] } else { vec![line] }).collect::<Vec<_>>().join("\r\n"),
        text.replace('1', ["2", "12", "0", "é"][number]),
        every(4).chain(other.split("\r\n").skip(number * 9)).collect::<Vec<_>>().join("\r\n"),
        text.replace("nack", "nack x").replace(" 9 ", " 40000 "),
    ];
    let mut ends = [Codec::new(library.clone()), Codec::new(library.clone())];
    let steps = texts.iter().enumerate().map(|(at, text)| {
        let side = usize::from(at % 3 == 2);
        let carried = ends[side].carry_description(text);
        ends[1 - side].open_description(&carried).expect("what was written is read");
        json!({"from": side, "sdp": text, "carried": carried})
    });
    json!({"name": "changed", "steps": steps.collect::<Vec<_>>()})
}

fn one_call(library: &Arc<Library>, call: &Call) -> Value {
    let mut ends = [Codec::new(library.clone()), Codec::new(library.clone())];
    let mut steps = Vec::new();
    let mut name = String::new();
    for (side, said) in &call.said {
        match said {
            Said::Description(capture) => {
                let text = capture.sdp.as_deref().unwrap_or_default();
                let carried = ends[*side].carry_description(text);
                ends[1 - side].open_description(&carried).expect("what was written is read");
                steps.push(json!({"from": side, "capture": capture.id, "carried": carried}));
                name.clone_from(&capture.call);
            }
            Said::Candidate(capture) => {
                let Some(candidate) = capture.as_candidate() else { continue };
                let carried = ends[*side].carry_candidate(&candidate);
                ends[1 - side].open_candidate(carried.clone()).expect("what was written is read");
                steps.push(step_of(*side, &candidate, &carried));
            }
        }
    }
    json!({"name": name, "steps": steps})
}

fn step_of(side: usize, candidate: &Candidate, carried: &Candidate) -> Value {
    let json = |candidate: &Candidate| {
        let mut out = json!({"candidate": candidate.candidate});
        if let Some(mid) = &candidate.mid {
            out["mid"] = json!(mid);
        }
        if let Some(line) = candidate.line {
            out["line"] = json!(line);
        }
        out
    };
    json!({"from": side, "candidate": json(candidate), "carried": json(carried)})
}

/// As a file.
pub fn as_text(vectors: &[Value]) -> String {
    vectors.iter().map(|vector| format!("{vector}\n")).collect()
}
