//! `docs/operating.md` has every key of the configuration, with its default, and no other.

use duologue_server::config::KEYS;

const OPERATING: &str = include_str!("../../docs/operating.md");
const HEAD: &str = "| key | takes | default | what for |";

#[test]
fn every_key_stands_in_the_table_with_its_default() {
    for key in KEYS {
        let row = OPERATING.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in docs/operating.md", key.name));
        let default = if key.default.is_empty() { "–".into() } else { format!("`{}`", key.default) };
        let columns: Vec<&str> = row.split(" | ").collect();
        assert_eq!(columns[2], default, "the default of {}", key.name);
    }
    let rows = OPERATING.lines().skip_while(|line| *line != HEAD).skip(2);
    assert_eq!(rows.take_while(|line| line.starts_with('|')).count(), KEYS.len(), "no key but these");
}
