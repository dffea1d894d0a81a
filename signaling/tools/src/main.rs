//! `sdp-library`: learns the library of compact descriptions, and measures what it saves.

use duologue_sdp_library::captures::{Capture, Said, calls, read};
use duologue_sdp_library::measure::{Kind, Sizes, learn, measure, medians};
use duologue_sdp_library::{data, page, typescript, vectors};
use duologue_signaling::compact::Library;
use std::path::Path;
use std::process::ExitCode;

const USE: &str = "sdp-library learn FOLDER VERSION     print a library learned from captures
sdp-library table                    print docs/compact-bytes.md
sdp-library vectors                  print tests/vectors/compact.jsonl
sdp-library typescript               print web/sdk/src/compact/library-text.ts
sdp-library measure FOLDER           bytes with the committed library
sdp-library unseen FOLDER session|maker   bytes of each session or browser with a library learned without it";

/// How many skeletons a library has at most.
const SKELETONS: usize = 128;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let captures = |folder: &str| read(Path::new(folder)).map_err(|error| format!("{folder}: {error}"));
    let done = match arguments[..] {
        ["learn", folder, version] => captures(folder).and_then(|captures| {
            let version = version.parse().map_err(|error| format!("{version}: {error}"))?;
            print!("{}", learn(version, &captures.iter().collect::<Vec<_>>(), SKELETONS).write());
            Ok(())
        }),
        ["table"] => page().map(|(page, _)| print!("{page}")).map_err(|error| error.to_string()),
        ["typescript"] => {
            print!("{}", typescript(&Library::built_in()));
            Ok(())
        }
        ["vectors"] => vectors::make(&data()).map(|all| print!("{}", vectors::as_text(&all))).map_err(|error| error.to_string()),
        ["measure", folder] => captures(folder).map(|captures| print(&measure(&Library::built_in().into(), &calls(&captures)))),
        ["unseen", folder, "session"] => captures(folder).map(|captures| unseen(&captures, |capture| capture.session.clone())),
        ["unseen", folder, "maker"] => captures(folder).map(|captures| unseen(&captures, Capture::maker)),
        _ => Err(USE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Everything is measured once, with a library that has not seen its group.
fn unseen(captures: &[Capture], group: impl Fn(&Capture) -> String) {
    let mut groups: Vec<String> = captures.iter().map(&group).collect();
    groups.sort();
    groups.dedup();
    let all = calls(captures);
    let mut sizes = Vec::new();
    for held_out in groups {
        let seen: Vec<&Capture> = captures.iter().filter(|capture| group(capture) != held_out).collect();
        let library = learn(0, &seen, SKELETONS);
        let is_of = |capture: &Capture| group(capture) == held_out;
        let of_group: Vec<_> = all
            .iter()
            .filter(|call| {
                call.said.iter().any(|(_, said)| match said {
                    Said::Description(capture) => is_of(capture),
                    Said::Candidate(_) => false,
                })
            })
            .cloned()
            .collect();
        let makers: Vec<String> = captures.iter().filter(|capture| is_of(capture)).map(Capture::maker).collect();
        sizes.extend(measure(&library.into(), &of_group).into_iter().filter(|(maker, _, _)| makers.contains(maker)));
    }
    print(&sizes);
}

fn print(sizes: &Sizes) {
    let medians = medians(sizes);
    let mut makers: Vec<&String> = medians.keys().map(|(maker, _)| maker).collect();
    makers.dedup();
    for maker in makers {
        println!("{}", if maker.is_empty() { "all" } else { maker });
        for kind in Kind::ALL {
            let Some((count, size)) = medians.get(&(maker.clone(), kind)) else { continue };
            let (target, unseen) = kind.target();
            let unseen = unseen.map_or(String::new(), |unseen| format!(", never seen {unseen}"));
            println!(
                "  {:<34} {:>5} × {:>6} raw {:>6} deflated {:>5} ours (target {target}{unseen})",
                kind.name(),
                count,
                size.raw,
                size.deflated,
                size.ours
            );
        }
    }
}
