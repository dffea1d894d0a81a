//! The command line: what can be said to `duologue`, and how that becomes a configuration.

use crate::config::{ConfigError, Settings, Sources};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::env;
use std::fs;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  duologue                                         serve on 127.0.0.1:8080, facts in ./duologue-data
  duologue --with-people 12                        alone? twelve made-up people are in the lobby
  duologue serve --listen 0.0.0.0:9000 --data /var/lib/duologue
  duologue serve --set invites.ring=30s --set rates.chat.per=10/s
  DUOLOGUE_INVITES_RING=30s duologue serve         the same by the environment
  duologue print-config > duologue.toml            every key, its default, what it is for
  duologue serve --config duologue.toml

A file is below the environment, the environment is below flags.";

/// Timed one-to-one calls between people who are free: a server.
#[derive(Debug, Parser)]
#[command(name = "duologue", version, about = "Timed one-to-one calls between people who are free: a server", after_help = EXAMPLES)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For all of them.
    #[command(flatten)]
    pub options: Options,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the server
    #[command(after_help = EXAMPLES)]
    Serve,
    /// Say whether the configuration makes sense, and nothing else
    #[command(after_help = "Example:\n  duologue check-config --config duologue.toml && systemctl restart duologue")]
    CheckConfig,
    /// Send data over every TURN server of the configuration, ask every STUN server, and say what works and what is wrong
    #[command(after_help = "Example:\n  duologue check-turn --config duologue.toml\n\nIt ends with 1 if one does not work.")]
    CheckTurn {
        /// Certificates (PEM) to believe beside those that browsers do, for turns: and stuns:
        #[arg(long, value_name = "FILE.pem")]
        trust: Option<PathBuf>,
    },
    /// Print the configuration that holds, with what each key is for and where it was said
    #[command(after_help = "Example:\n  duologue print-config --set invites.ring=30s")]
    PrintConfig,
}

/// What may be said with each command.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// A TOML file with the configuration
    #[arg(long, global = true, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// Address and port; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// The folder of everything durable [default: ./duologue-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Set one key of the configuration; may be said often
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Fill the lobby with so many made-up people, for whoever tries it alone; their cards say what they are
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub with_people: Option<u32>,
    /// Say on the first line of stdout, as JSON, where the server is, once it serves
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub ready: Option<Form>,
    /// Write the log for machines
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    pub log: Option<Form>,
    /// Believe the machine's clock although it is far from the last commit
    #[arg(long, global = true)]
    pub accept_clock: bool,
}

/// A form for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One JSON object a line.
    Json,
}

impl Options {
    /// The configuration that holds.
    ///
    /// # Errors
    /// One line: what is wrong, where it was said, what is allowed.
    pub fn settings(&self) -> Result<Settings, String> {
        let file = match &self.config {
            None => None,
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("--config {}: {error}", path.display()))?;
                Some((path.clone(), text))
            }
        };
        let mut environment: Vec<(String, String)> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("DUOLOGUE_"))
            .collect();
        environment.sort();
        let flags = [("--listen", "listen", &self.listen), ("--data", "data", &self.data)];
        let flags = flags.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.clone()?))).collect();
        let sources = Sources { file, environment, sets: self.sets.clone(), flags };
        Settings::load(&sources).map_err(|error: ConfigError| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_are_taken_before_and_after_the_command() {
        Cli::command().debug_assert();
        for line in [["duologue", "--listen", "127.0.0.1:0", "serve"], ["duologue", "serve", "--listen", "127.0.0.1:0"]] {
            let cli = Cli::try_parse_from(line).expect("a command line");
            assert_eq!((cli.command, cli.options.listen.as_deref()), (Some(Command::Serve), Some("127.0.0.1:0")));
        }
        assert_eq!(Cli::try_parse_from(["duologue"]).expect("nothing said").command, None);
    }

    #[test]
    fn company_is_of_one_to_a_hundred() {
        let people = |line: &[&str]| Cli::try_parse_from(line).map(|cli| cli.options.with_people);
        assert_eq!(people(&["duologue", "--with-people", "12"]).expect("a command line"), Some(12));
        assert_eq!(people(&["duologue"]).expect("a command line"), None);
        for wrong in ["0", "101", "many"] {
            assert!(people(&["duologue", "--with-people", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        let mut command = Cli::command();
        let mut all = vec![command.render_help().to_string()];
        all.extend(command.get_subcommands_mut().map(|sub| sub.render_help().to_string()));
        assert!(all.iter().all(|help| help.contains("Example")), "{all:?}");
    }
}
