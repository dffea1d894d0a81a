//! Puts the built web folder into the binary, if there is one: a list of its files for `http::assets`. Without it there is one
//! plain page that says so, and everything else works.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

const PLAIN: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Duologue</title>\
    <p>This server was built without its pages. The API is there: <a href=\"/health\">health</a>.</p></html>";

fn main() {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../web/dist");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    println!("cargo:rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    list(&dist, &mut files);
    files.sort();
    let mut text = String::from("pub(super) static FILES: &[File] = &[\n");
    for file in &files {
        let name = file.strip_prefix(&dist).expect("listed there").to_string_lossy().replace('\\', "/");
        let path = file.canonicalize().expect("listed just now");
        writeln!(text, "    ({:?}, include_bytes!({:?})),", format!("/{name}"), path.display().to_string()).expect("a string grows");
    }
    if !dist.join("index.html").is_file() {
        writeln!(text, "    (\"/index.html\", {PLAIN:?}.as_bytes()),").expect("a string grows");
    }
    text.push_str("];\n");
    fs::write(out.join("assets.rs"), text).expect("the folder for it is writable");
}

/// Every file below a folder; none where there is no such folder.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}
