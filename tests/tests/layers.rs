//! Dependencies point one way (`ARCHITECTURE.md`): what each crate may know of the others, read from the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each crate may depend on, beside itself; tests and examples are free.
const MAY_KNOW: [(&str, &[&str]); 11] = [
    ("core", &[]),
    ("transport", &[]),
    ("signaling", &["core"]),
    ("gateway", &["core", "signaling", "transport"]),
    ("client", &["core", "signaling", "transport"]),
    ("company", &["client", "core"]),
    ("store", &["core"]),
    ("sim", &["client", "core", "gateway", "signaling", "store", "transport"]),
    ("transport-quic", &["transport"]),
    ("transport-ws", &["transport"]),
    ("server", &["client", "company", "core", "gateway", "signaling", "store", "transport", "transport-ws", "transport-quic"]),
];

/// Crates that know no runtime, whatever is switched on.
const WITHOUT_RUNTIME: [&str; 6] = ["company", "core", "gateway", "signaling", "sim", "transport"];

fn dependencies(folder: &str) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]";
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            let end = line.find(['.', ' ', '=']).unwrap_or(line.len());
            found.insert(line[..end].to_string());
        }
    }
    found
}

#[test]
fn dependencies_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_KNOW.into_iter().collect();
    for (folder, may_know) in allowed {
        let ours: Vec<String> =
            dependencies(folder).into_iter().filter_map(|name| name.strip_prefix("duologue-").map(String::from)).collect();
        for known in ours {
            assert!(may_know.contains(&known.as_str()), "{folder} must not know {known}");
        }
    }
}

#[test]
fn the_machines_know_no_runtime() {
    for folder in WITHOUT_RUNTIME {
        let known = dependencies(folder);
        for runtime in ["tokio", "hyper", "axum", "quinn", "tokio-tungstenite"] {
            assert!(!known.contains(runtime), "{folder} must not know {runtime}");
        }
    }
}
