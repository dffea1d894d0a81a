//! Writes `docs/openapi.json` and `docs/asyncapi.json` anew: `cargo run -p duologue-tests --bin documents`.

use duologue_tests::documents;

fn main() -> std::io::Result<()> {
    for (path, text) in documents::all() {
        std::fs::write(&path, text)?;
        println!("{}", path.display());
    }
    Ok(())
}
