//! `print-config`: the configuration that holds, as a TOML file that says the same, with what each key is for and where its value
//! was said. Secrets are not shown.

use super::{KEYS, Kind, Settings, Value, value};
use std::fmt::Write;

/// The whole configuration as TOML.
pub fn print(settings: &Settings) -> String {
    let mut text =
        String::from("# The configuration that holds. File < environment < flags. Spans \"250ms\" \"10s\" \"24h\", sizes \"64KiB\".\n");
    // What stands in no table comes first: in TOML a table lasts until the next one.
    for top in [true, false] {
        let mut table = "";
        for key in KEYS.iter().filter(|key| key.name.contains('.') != top) {
            let (its_table, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
            if its_table != table {
                let _ = write!(text, "\n[{its_table}]\n");
                table = its_table;
            }
            line(&mut text, settings, key.name, name, key.kind, key.help);
        }
    }
    text
}

fn line(text: &mut String, settings: &Settings, full: &str, name: &str, kind: Kind, help: &str) {
    let said = settings.place(full).map(|place| format!(" [{place}]")).unwrap_or_default();
    let written = match (kind, settings.value(full)) {
        (Kind::JwtKeys, Value::Tables(keys)) if !keys.is_empty() => None,
        (Kind::Secret(_), _) => None,
        (_, value) => value::write(value),
    };
    let _ = match written {
        Some(written) => writeln!(text, "{name} = {written}  # {help}{said}"),
        None if said.is_empty() => writeln!(text, "# {name} is not set  # {help}"),
        None => writeln!(text, "# {name} is set and not shown  # {help}{said}"),
    };
}
