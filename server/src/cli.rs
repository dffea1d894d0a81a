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
  duologue --https                                 a phone in the same network: address and QR code, a certificate made here
  duologue serve --listen 0.0.0.0:9000 --data /var/lib/duologue
  duologue serve --set invites.ring=30s --set rates.chat.per=10/s
  DUOLOGUE_INVITES_RING=30s duologue serve         the same by the environment
  duologue print-config > duologue.toml            every key, its default, what it is for
  duologue serve --config duologue.toml

A file is below the environment, the environment is below flags.";

/// Where `--https` listens, unless it was said.
const HTTPS_LISTEN: &str = "0.0.0.0:8080";

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
    /// Speak HTTPS with a certificate made here, on an address that phones in the same network reach [listen: 0.0.0.0:8080]
    #[arg(long, global = true)]
    pub https: bool,
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
        let mut environment: Vec<(String, String)> = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("DUOLOGUE_"))
            .collect();
        environment.sort();
        self.settings_in(environment)
    }

    fn settings_in(&self, environment: Vec<(String, String)>) -> Result<Settings, String> {
        let file = match &self.config {
            None => None,
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| format!("--config {}: {error}", path.display()))?;
                Some((path.clone(), text))
            }
        };
        let flags = [("--listen", "listen", &self.listen), ("--data", "data", &self.data)];
        let flags = flags.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.clone()?))).collect();
        // Cameras are why one says it: so phones are to reach the page, unless another address was said anywhere.
        let instead = if self.https { vec![("--https", "listen", HTTPS_LISTEN.into())] } else { Vec::new() };
        let sources = Sources { instead, file, environment, sets: self.sets.clone(), flags };
        let settings = Settings::load(&sources).map_err(|error: ConfigError| error.to_string())?;
        match settings.place("tls.certificate") {
            Some(place) if self.https => {
                Err(format!("--https makes a certificate, and there is one already (tls.certificate, {place}): leave one of the two out"))
            }
            _ => Ok(settings),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Value;
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

    fn settings(line: &[&str]) -> Result<Settings, String> {
        Cli::try_parse_from(line).expect("a command line").options.settings_in(Vec::new())
    }

    #[test]
    fn https_is_for_other_devices_unless_an_address_was_said() {
        let listen = |line: &[&str]| settings(line).map(|settings| settings.value("listen").clone());
        let address = |text: &str| Ok(Value::Listen(text.parse().expect("an address")));
        assert_eq!(listen(&["duologue"]), address("127.0.0.1:8080"));
        assert_eq!(listen(&["duologue", "--https"]), address("0.0.0.0:8080"));
        assert_eq!(listen(&["duologue", "--https", "--listen", "192.0.2.7:0"]), address("192.0.2.7:0"));
        assert_eq!(listen(&["duologue", "--https", "--set", "listen=[::]:9000"]), address("[::]:9000"));
        assert_eq!(settings(&["duologue", "--https"]).expect("makes sense").place("listen"), Some("--https"));
    }

    #[test]
    fn https_beside_an_operators_certificate_says_which_is_too_much() {
        let files = ["--set", "tls.certificate=/c.pem", "--set", "tls.key=/k.pem"];
        assert!(settings(&[&["duologue"][..], &files].concat()).is_ok());
        let told = settings(&[&["duologue", "--https"][..], &files].concat()).expect_err("two certificates");
        assert!(told.contains("--https") && told.contains("tls.certificate, --set tls.certificate"), "{told}");
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        let mut command = Cli::command();
        let mut all = vec![command.render_help().to_string()];
        all.extend(command.get_subcommands_mut().map(|sub| sub.render_help().to_string()));
        assert!(all.iter().all(|help| help.contains("Example")), "{all:?}");
    }
}
