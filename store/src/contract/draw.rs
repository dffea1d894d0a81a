//! Random batches over a small world: few people, few calls, few clients, so that rows meet the rows of before.

use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::random::{Purpose, Seed, Stream};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::{AnswerRow, ChatLine, HistoryRow, Pair, PersonRow, ReportRow, Row, TicketRow};
use duologue_core::wire::{Card, Done, Filter, Totals, Why};
use std::sync::Arc;

const USERS: u32 = 6;
const CALLS: u32 = 12;
const CLIENTS: u32 = 7;
const SESSIONS: u32 = 5;
/// Beyond what is kept of a client.
const NUMBERS: u32 = 90;

/// Draws batches; the same seed draws the same ones everywhere.
#[derive(Debug)]
pub struct Drawn(Stream);

/// A user of the small world, their id at both ends of the range.
pub(super) fn user(n: u32) -> UserId {
    UserId(if n.is_multiple_of(2) { u128::from(n) } else { u128::MAX - u128::from(n) })
}

impl Drawn {
    /// Begins.
    pub fn new(seed: u64) -> Drawn {
        Drawn(Seed([seed, 1, 2, 3]).stream(Purpose::Fill, seed, 0))
    }

    /// The next batch, of 0 to 24 rows. Some of them no database may accept (a user in two live calls).
    pub fn batch(&mut self) -> Vec<Row> {
        let rows = self.0.below(25);
        // Most batches leave calls alone or hold a single one: else hardly one would be accepted.
        let calls = self.0.below(3);
        let mut opened = 0;
        (0..rows)
            .map(|_| {
                let row = self.row();
                let is_open = matches!(&row, Row::Call(row) if row.ended.is_none());
                opened += u32::from(is_open);
                if is_open && opened > calls { self.answer() } else { row }
            })
            .collect()
    }

    /// Every key of the small world.
    pub fn keys(&mut self) -> Vec<Key> {
        let users = || (0..=USERS).map(user);
        let mut keys: Vec<Key> = users().map(Key::Person).collect();
        keys.extend((0..=SESSIONS).map(|n| Key::Session(TokenHash([n as u8; 32]))));
        for who in users() {
            for before in [None, Some(CallId(0)), Some(self.call()), Some(CallId(u64::MAX))] {
                keys.push(Key::History { user: who, before, limit: self.0.below(5) });
            }
            keys.extend(users().map(|other| Key::Together(who, other)));
        }
        keys
    }

    fn row(&mut self) -> Row {
        match self.0.below(20) {
            0..=4 => self.answer(),
            5 => Row::AnswersGone { user: self.user(), client: self.client() },
            6 => {
                let [by, of] = self.two();
                Row::Block { by, of, at: self.time() }
            }
            7 => {
                let [by, of] = self.two();
                Row::BlockGone { by, of }
            }
            8 | 9 => self.history(),
            10 => Row::CallGone { call: self.call() },
            11 => Row::Chat { call: self.call(), index: self.0.below(4), line: self.line() },
            12 | 13 => {
                let [a, b] = self.two();
                Row::Cooldown { pair: Pair::of(a, b), until: self.time() }
            }
            14 => self.person(),
            15 => self.report(),
            16 => Row::Session { hash: self.hash(), user: self.user(), expires: self.time() },
            17 => Row::SessionGone { hash: self.hash() },
            18 => self.ticket(),
            _ => Row::TicketGone { user: self.user() },
        }
    }

    fn answer(&mut self) -> Row {
        let done = match self.0.below(5) {
            0 => Done::Empty,
            1 => Done::Call { call: self.call() },
            2 => Done::Joined { lobby: self.text() },
            3 => Done::Cooled { cooldown_until: self.time() },
            _ => Done::Profile {
                user: Arc::new(Card {
                    user: self.user(),
                    name: self.text(),
                    gender: self.text(),
                    selfie: self.text(),
                    video: String::new(),
                    tags: self.texts(),
                }),
            },
        };
        // Mostly one person's one client, so that more are written than are kept.
        let is_busy = self.0.below(3) > 0;
        let (user, client) = if is_busy { (user(1), ClientId(0)) } else { (self.user(), self.client()) };
        Row::Answer(Box::new(AnswerRow { user, client, number: u64::from(self.0.below(NUMBERS)), done, at: self.time() }))
    }

    fn history(&mut self) -> Row {
        let ended = match self.0.below(3) {
            0 => None,
            _ => Some((self.time(), Why::ALL[self.0.below(Why::ALL.len() as u32) as usize])),
        };
        Row::Call(Box::new(HistoryRow {
            call: self.call(),
            members: self.two(),
            agreed: self.0.below(u32::MAX),
            started: self.time(),
            deadline: self.time(),
            extensions: self.0.below(4),
            epoch: self.0.below(100),
            ended,
            chat: Vec::new(),
        }))
    }

    fn person(&mut self) -> Row {
        Row::Person(Box::new(PersonRow {
            user: self.user(),
            name: self.text(),
            gender: self.text(),
            selfie: self.text(),
            video: self.text(),
            tags: self.texts(),
            created: self.time(),
            totals: Totals { seconds: self.0.draw() >> 11, calls: self.0.draw() >> 11, completed: 0 },
        }))
    }

    fn report(&mut self) -> Row {
        let [by, of] = self.two();
        let call = (self.0.below(2) == 0).then(|| self.call());
        Row::Report(Box::new(ReportRow { by, of, reason: self.text(), call, at: self.time() }))
    }

    fn ticket(&mut self) -> Row {
        Row::Ticket(Box::new(TicketRow {
            user: self.user(),
            since: self.time(),
            lobby: self.text(),
            filter: Filter { genders: self.texts(), tags: self.texts() },
            confirm: self.0.below(2) == 0,
        }))
    }

    fn line(&mut self) -> ChatLine {
        ChatLine { from: self.user(), text: self.text(), at: self.time() }
    }

    fn user(&mut self) -> UserId {
        user(self.0.below(USERS))
    }

    fn two(&mut self) -> [UserId; 2] {
        let a = self.0.below(USERS);
        let b = (a + 1 + self.0.below(USERS - 1)) % USERS;
        [user(a), user(b)]
    }

    fn client(&mut self) -> ClientId {
        ClientId(u128::from(self.0.below(CLIENTS)) << 64)
    }

    fn call(&mut self) -> CallId {
        CallId(1 << 32 | u64::from(self.0.below(CALLS)))
    }

    fn hash(&mut self) -> TokenHash {
        TokenHash([self.0.below(SESSIONS) as u8; 32])
    }

    /// Within the hour that the batches take, so that some cooldowns are over.
    fn time(&mut self) -> Millis {
        Millis(u64::from(self.0.below(60_000)))
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 8] = ["", "Ann", "a \"quoted\" 'name'", "名前 🎈", "line\nfeed", "[1,2]", "null", "\u{0}nul"];
        TEXTS[self.0.below(8) as usize].into()
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.0.below(4)).map(|_| self.text()).collect()
    }
}
