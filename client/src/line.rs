//! The line to the server: whether there is one, how long each step of getting one may take, whether the server still shows life, and
//! when to try again. Waits are spread over their whole length (full jitter), so that a server that comes back is not met by all of
//! its clients in one moment; a server that names a time is not asked before it. Each draw is named by the seed and the link.

use crate::config::Config;
use crate::seam::End;
use duologue_core::kit::random::{Purpose, Seed};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::Closing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not begun, or ended.
    Off,
    /// Until it is time to try again.
    Waiting { until: Millis },
    /// A socket is being opened.
    Opening { give_up: Millis },
    /// `hello` was said.
    Greeting { since: Millis, give_up: Millis },
    /// Welcomed.
    Live { since: Millis },
    /// The server has said that it closes.
    Closing { verdict: Verdict, give_up: Millis },
}

/// Whether to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Back { not_before: Span },
    End(End),
}

impl Verdict {
    pub(crate) const LOST: Verdict = Verdict::Back { not_before: Span(0) };

    pub(crate) fn of(closing: Closing, retry_after: Option<Span>) -> Verdict {
        if closing.reconnect() { Verdict::Back { not_before: retry_after.unwrap_or_default() } } else { Verdict::End(End::Closed(closing)) }
    }

    /// By the close code alone: where the last message did not arrive.
    pub(crate) fn of_code(code: Option<u16>) -> Verdict {
        code.and_then(Closing::from_number).map_or(Verdict::LOST, |closing| Verdict::of(closing, None))
    }
}

/// What a deadline of the line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Open a link.
    Connect,
    /// This took too long, or the server shows no life: drop the link.
    Drop,
    /// Ask whether the server is there.
    Probe,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    link: u32,
    phase: Phase,
    /// Losses in a row.
    losses: u32,
    heard: Millis,
    probed: Option<Millis>,
}

/// How long to wait before the next try, after so many in a row that failed: anything up to a ceiling that doubles with each. The
/// draw is named by `a` and `b`.
pub(crate) fn spread(config: &Config, tries: u32, a: u64, b: u64) -> Span {
    let longest = config.backoff_first.0.saturating_mul(1 << tries.min(16)).min(config.backoff_max.0);
    let draw = Seed([config.seed, config.client.0 as u64, 0, 0]).pick(Purpose::Jitter, a, b);
    Span(((u128::from(draw) * u128::from(longest + 1)) >> 64) as u64)
}

impl Line {
    pub(crate) fn new() -> Line {
        Line { link: 0, phase: Phase::Off, losses: 0, heard: Millis(0), probed: None }
    }

    pub(crate) fn link(&self) -> u32 {
        self.link
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live { .. })
    }

    /// Whether there is a socket, or one on its way.
    pub(crate) fn has_link(&self, link: u32) -> bool {
        link == self.link && !matches!(self.phase, Phase::Off | Phase::Waiting { .. })
    }

    /// The next link is to be opened.
    pub(crate) fn open(&mut self, now: Millis, config: &Config) {
        self.link += 1;
        self.phase = Phase::Opening { give_up: now + config.patience };
    }

    pub(crate) fn greet(&mut self, now: Millis, config: &Config) {
        self.phase = Phase::Greeting { since: now, give_up: now + config.patience };
        self.hear(now);
    }

    pub(crate) fn welcomed(&mut self, now: Millis) {
        self.phase = Phase::Live { since: now };
    }

    pub(crate) fn hear(&mut self, now: Millis) {
        self.heard = now;
        self.probed = None;
    }

    pub(crate) fn probe(&mut self, now: Millis) {
        self.probed.get_or_insert(now);
    }

    /// The server has said that it closes; its close is waited for, but not for ever.
    pub(crate) fn closing(&mut self, now: Millis, verdict: Verdict, config: &Config) {
        self.phase = Phase::Closing { verdict, give_up: now + config.pong_within };
    }

    pub(crate) fn off(&mut self) {
        self.phase = Phase::Off;
        self.losses = 0;
    }

    /// The link is gone: when to try again.
    pub(crate) fn lost(&mut self, now: Millis, not_before: Span, config: &Config) -> Millis {
        if matches!(self.phase, Phase::Live { since } if now.since(since) >= config.settled_after) {
            self.losses = 0;
        }
        let until = now + not_before + spread(config, self.losses, u64::from(self.link), 0);
        self.losses = self.losses.saturating_add(1);
        self.phase = Phase::Waiting { until };
        until
    }

    /// Try at once.
    pub(crate) fn hurry(&mut self, now: Millis) {
        if let Phase::Waiting { until } = &mut self.phase {
            *until = (*until).min(now);
        }
    }

    pub(crate) fn next(&self, config: &Config) -> Option<(Millis, Due)> {
        match self.phase {
            Phase::Off => None,
            Phase::Waiting { until } => Some((until, Due::Connect)),
            Phase::Opening { give_up } | Phase::Greeting { give_up, .. } | Phase::Closing { give_up, .. } => Some((give_up, Due::Drop)),
            Phase::Live { .. } => Some(match self.probed {
                None => (self.heard + config.quiet, Due::Probe),
                Some(at) => (at + config.pong_within, Due::Drop),
            }),
        }
    }
}
