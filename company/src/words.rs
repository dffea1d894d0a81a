//! Who they are and what they say: tables, and one function that finds a line for what was said. It understands little and
//! pretends no more.

use crate::dice::Dice;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The tag on the cards of made-up people.
pub const TAG: &str = "made-up";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Persona {
    pub(crate) name: &'static str,
    pub(crate) gender: &'static str,
    /// As a tag says it, and as one says it.
    pub(crate) likes: (&'static str, &'static str),
}

const fn persona(name: &'static str, gender: &'static str, tag: &'static str, likes: &'static str) -> Persona {
    Persona { name, gender, likes: (tag, likes) }
}

pub(crate) const PERSONAS: &[Persona] = &[
    persona("Mira", "female", "likes:tea", "tea"),
    persona("Jonas", "male", "likes:rowing", "rowing"),
    persona("Ayla", "female", "likes:maps", "old maps"),
    persona("Teo", "male", "likes:trains", "night trains"),
    persona("Robin", "other", "likes:rain", "rain on a roof"),
    persona("Lucia", "female", "likes:chess", "chess"),
    persona("Emil", "male", "likes:bread", "baking bread"),
    persona("Noor", "female", "likes:stars", "looking at stars"),
    persona("Hugo", "male", "likes:birds", "watching birds"),
    persona("Sanna", "female", "likes:snow", "skis and snow"),
    persona("Kai", "other", "likes:radio", "old radios"),
    persona("Ines", "female", "likes:tango", "tango"),
    persona("Bruno", "male", "likes:soup", "soup"),
    persona("Yuki", "female", "likes:paper", "folding paper"),
    persona("Levi", "male", "likes:bikes", "bicycles"),
    persona("Greta", "female", "likes:cellos", "the cello"),
    persona("Omar", "male", "likes:dates", "dates and figs"),
    persona("Sasha", "other", "likes:crime", "crime novels"),
    persona("Paula", "female", "likes:lakes", "swimming in lakes"),
    persona("Idris", "male", "likes:drums", "drums"),
    persona("Wanda", "female", "likes:moss", "moss"),
    persona("Felix", "male", "likes:cats", "cats"),
    persona("Amara", "female", "likes:markets", "markets in the morning"),
    persona("Nils", "male", "likes:boats", "wooden boats"),
    persona("Remy", "other", "likes:comics", "comics"),
    persona("Dora", "female", "likes:puzzles", "puzzles"),
    persona("Anton", "male", "likes:piano", "the piano"),
    persona("Leila", "female", "likes:poems", "poems"),
    persona("Piet", "male", "likes:tulips", "tulips"),
    persona("Vera", "female", "likes:ferns", "ferns"),
    persona("Marlo", "other", "likes:kites", "kites"),
    persona("Selma", "female", "likes:saunas", "saunas"),
    persona("Ravi", "male", "likes:mangos", "mangos"),
    persona("Edda", "female", "likes:wool", "wool"),
    persona("Caspar", "male", "likes:clocks", "clocks"),
    persona("Nadia", "female", "likes:lemons", "lemons"),
];

const CONFESSION: &str = "I am made up";

/// The first line of a call says what one is.
pub(crate) fn hello(persona: &Persona, peer: &str, dice: &mut Dice) -> String {
    let greeting = dice.one(&["Hi", "Hello", "Hey"]);
    let name = if peer.is_empty() { String::new() } else { format!(" {peer}") };
    format!(
        "{greeting}{name}! {CONFESSION} by this server, so there is no camera and no sound of me. I do write, and I like {}.",
        persona.likes.1
    )
}

/// Whether a line says what one is.
pub(crate) fn is_hello(line: &str) -> bool {
    line.contains(CONFESSION)
}

pub(crate) const FAREWELLS: &[&str] = &[
    "The clock is nearly out. It was nice to meet you!",
    "A few seconds left. Thank you for the company, and good luck with what you are building!",
];
pub(crate) const SILENCES: &[&str] = &[
    "Still here. Write anything, and I answer.",
    "You can try the other buttons meanwhile: mute, camera, more time.",
    "Quiet is fine too. The clock of the server counts for both of us.",
];
pub(crate) const LET_GO: &str = "I let you go on with your things. Bye!";

/// A line in answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) is_goodbye: bool,
}

/// What was said in a call already, so that nothing general is said twice in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    general: usize,
}

/// Words of what was said, and what there is to say to it; the first row with one of its words counts.
const TOPICS: &[(&[&str], &[&str])] = &[
    (
        &["bot", "robot", "ai", "human", "real", "fake", "made", "person", "machine", "simulated"],
        &["I am made up: a few hundred lines that run inside this server. The call and its clock are real, though."],
    ),
    (
        &["camera", "see", "video", "picture", "face", "look"],
        &["What you see of me is drawn by the page. To try real pictures, open a second window and ring yourself."],
    ),
    (
        &["hear", "sound", "mic", "microphone", "audio", "voice"],
        &["I have no voice, and I hear nothing. Your microphone is not sent to me."],
    ),
    (&["time", "long", "minutes", "clock", "extend"], &["If you ask for more time, I agree. We get the average of what we both want."]),
    (
        &["again", "tomorrow", "cooldown"],
        &["After a call two people can meet again a day later. That holds for me too; others come meanwhile."],
    ),
    (&["block", "report"], &["Try it on me, that is what I am for. You will not see me again afterwards."]),
    (
        &["server", "duologue", "rust", "code", "api", "sdk"],
        &["I am a client like yours: the same messages, over a link inside the server. docs/protocol.md has all of them."],
    ),
    (&["thanks", "thank", "thx"], &["You are welcome!", "With pleasure."]),
    (&["test", "testing"], &["It arrived. One, two, three from my side too."]),
    (&["love", "cute", "nice", "cool", "great", "good", "wow", "lol", "haha"], &["That is kind of you.", "Ha! I will tell the others."]),
];

const FAREWELL_WORDS: &[&str] = &["bye", "goodbye", "ciao", "tschuess", "cya"];
const GOODBYES: &[&str] = &["Bye! It was good to meet you.", "See you another day. Bye!"];
const QUESTIONS: &[&str] = &[
    "I do not know. I am better at being rung than at questions.",
    "Good question. What would you say yourself?",
    "I would have to make something up, and I am made up enough.",
];
const GENERAL: &[&str] =
    &["I see. Tell me more.", "Go on, I am listening. Reading, rather.", "That sounds like a good day.", "Noted! And then?"];

impl Lines {
    pub(crate) fn reply(&mut self, said: &str, persona: &Persona, peer: &str, dice: &mut Dice) -> Reply {
        let lower = said.to_lowercase();
        let words: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let has = |any: &[&str]| words.iter().any(|word| any.contains(word));
        let text = |text: String| Reply { text, is_goodbye: false };
        if lower.contains("how are you") || lower.contains("how is it going") {
            return text(format!("Very well, thank you. I thought about {}. And you?", persona.likes.1));
        }
        if has(&["name", "who"]) {
            return text(format!(
                "I am {}, made up by this server. And you are {}.",
                persona.name,
                if peer.is_empty() { "you" } else { peer }
            ));
        }
        if has(FAREWELL_WORDS) {
            return Reply { text: dice.one(GOODBYES).to_string(), is_goodbye: true };
        }
        if let Some((_, lines)) = TOPICS.iter().find(|(of, _)| has(of)) {
            return text(dice.one(lines).to_string());
        }
        if has(&["like", "likes", "hobby", "hobbies", "fun", "favourite", "favorite"]) {
            return text(format!("I like {}. At least that is what my card says.", persona.likes.1));
        }
        if has(&["hi", "hello", "hey", "hallo", "hola", "moin", "yo"]) {
            return text(format!("Hello{}! How is your day?", if peer.is_empty() { String::new() } else { format!(", {peer}") }));
        }
        let lines = if lower.contains('?') { QUESTIONS } else { GENERAL };
        self.general += 1;
        text(lines[self.general % lines.len()].to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_finds_its_line_and_a_goodbye_is_understood() {
        let mut dice = Dice::new(1);
        let mut say = |said: &str| Lines::default().reply(said, &PERSONAS[0], "Ann", &mut dice);
        for (said, part) in [
            ("Are you a BOT?", "made up"),
            ("what's your name", "I am Mira"),
            ("how are you?", "tea"),
            ("hello!", "Hello, Ann!"),
            ("I can't see you", "drawn"),
            ("what do you like", "I like tea"),
        ] {
            let reply = say(said);
            assert!(reply.text.contains(part), "{said}: {reply:?}");
            assert!(!reply.is_goodbye, "{said}: {reply:?}");
        }
        assert!(say("ok, bye then").is_goodbye);
        assert!(!say("something else entirely").text.is_empty());
    }

    #[test]
    fn nothing_general_is_said_twice_in_a_row() {
        let (mut lines, mut dice) = (Lines::default(), Dice::new(1));
        let said: Vec<String> = (0..6).map(|_| lines.reply("xyz", &PERSONAS[0], "", &mut dice).text).collect();
        assert!(said.windows(2).all(|two| two[0] != two[1]), "{said:?}");
    }

    #[test]
    fn cards_fit_into_what_a_card_may_be() {
        for persona in PERSONAS {
            let tag = persona.likes.0;
            assert!(tag.len() <= 32 && tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b':'), "{tag}");
            assert!(hello(persona, &"x".repeat(40), &mut Dice::new(1)).chars().count() <= 500);
        }
        let mut names: Vec<&str> = PERSONAS.iter().map(|persona| persona.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PERSONAS.len());
    }
}
