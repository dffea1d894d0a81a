//! What was captured of browsers and native peers, as it would be said in calls; and how many bytes it costs.

pub mod captures;
pub mod measure;
pub mod table;
pub mod vectors;

use captures::Capture;
use duologue_signaling::compact::Library;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The captures that the project keeps, and the libraries that have not seen them.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data")
}

/// The page of bytes, as it is made now, and the rows of its table.
///
/// # Errors
/// As reading the project's captures and libraries has them.
pub fn page() -> io::Result<(String, std::collections::BTreeMap<measure::Kind, table::Row>)> {
    let captures: Vec<Capture> = captures::read(&data())?;
    let library = |name: &str| -> io::Result<Library> {
        let text = fs::read_to_string(data().join(name))?;
        Library::read(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no library"))
    };
    let rows = table::rows(&captures, &library("without-these-captures.txt")?, &library("without-old-chromium.txt")?);
    Ok((table::page(&rows), rows))
}

/// The library as a module of the SDK.
pub fn typescript(library: &Library) -> String {
    let text = serde_json::Value::from(library.write());
    format!(
        "/** Made by `cargo run -p duologue-sdp-library -- typescript`; see `signaling/src/compact/library.txt`. */\nexport const LIBRARY = {text};\n"
    )
}
