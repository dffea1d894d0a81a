//! The picture of an [`App`]: a line that says how the connection is, who is here in places that stay, what rings, what happened, and
//! which keys do what. In a call: the clock, what was said, what one writes.

use crate::app::{App, Ring};
use crate::words;
use duologue_client::Call;
use duologue_client::time::Span;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span as Words, Text};
use ratatui::widgets::{Block, BorderType, LineGauge, Paragraph, Wrap};

const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const ALERT: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const KEY: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);

pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let [head, body, legend] = Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(2)]).areas(frame.area());
    frame.render_widget(state(app), head);
    match &app.shown.call {
        Some(call) => talk(app, call, frame, body),
        None => lobby(app, frame, body),
    }
    frame.render_widget(Paragraph::new(keys(app)).wrap(Wrap { trim: true }), legend);
}

fn state(app: &App) -> Line<'_> {
    let mut line = Line::from(vec![Words::styled(" Duologue ", STRONG), Words::raw(&app.name), Words::styled(" · ", QUIET)]);
    match app.tried_again_at {
        _ if app.shown.is_connected => {
            line.push_span(Words::styled(format!("connected over {}", app.carrier), GOOD));
            if app.shown.call.is_none() {
                line.push_span(Words::styled(format!(" · {} free in the lobby", app.shown.window.available()), QUIET));
            }
        }
        Some(at) if at > app.shown.own_time => {
            let wait = words::length(Span::secs(at.since(app.shown.own_time).0.div_ceil(1000)));
            line.push_span(Words::styled(format!("the connection is lost; tried again in {wait}"), BAD));
        }
        _ => line.push_span(Words::styled("connecting …", BAD)),
    }
    line
}

fn frame_of(title: &str) -> Block<'_> {
    Block::bordered().border_type(BorderType::Rounded).border_style(QUIET).title(Words::styled(format!(" {title} "), STRONG))
}

fn lobby(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let [left, right] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
    let rows = (app.rings.len() + usize::from(app.own_ring.is_some()) + usize::from(app.waits_since.is_some())).clamp(1, 5) as u16;
    let [now, news] = Layout::vertical([Constraint::Length(rows + 2), Constraint::Min(3)]).areas(right);

    // The places that are seen: as many as fit, with the chosen one among them.
    let places = app.shown.window.places();
    let fit = usize::from(left.height.saturating_sub(2)).max(1);
    let first = (app.place + 1).saturating_sub(fit);
    let cards: Vec<Line<'_>> = (first..places.len().min(first + fit)).map(|place| card(app, place)).collect();
    let title = format!("Who is here · calls of {} min", app.minutes);
    frame.render_widget(Paragraph::new(cards).block(frame_of(&title)), left);
    frame.render_widget(Paragraph::new(rings(app)).block(frame_of("Now")), now);
    happened(app, frame, news);
}

fn card(app: &App, place: usize) -> Line<'_> {
    let is_chosen = place == app.place;
    let mark = if is_chosen { "▸" } else { " " };
    let mut line = Line::from(Words::styled(format!("{mark}{:>2} ", place + 1), if is_chosen { KEY } else { QUIET }));
    if let Some((card, marks)) = &app.shown.window.places()[place] {
        let cooled = marks.cooldown_until.map(|until| until.since(app.now())).filter(|left| left.0 > 0);
        line.push_span(Words::styled(card.name.as_str(), if cooled.is_some() { QUIET } else { STRONG }));
        if let Some(left) = cooled {
            line.push_span(Words::styled(format!("  again in {}", words::length(left)), QUIET));
        }
    }
    line
}

fn rings(app: &App) -> Text<'_> {
    let left = |ring: &Ring| format!("{} left", words::clock(ring.expires.since(app.now())));
    let length = |ring: &Ring| words::length(Span::secs(ring.seconds.into()));
    let mut lines = Vec::new();
    for ring in &app.rings {
        lines.push(Line::from(vec![
            Words::styled(format!("{} rings", ring.name), ALERT),
            Words::raw(format!(": {}, {}", length(ring), left(ring))),
        ]));
    }
    if let Some(ring) = &app.own_ring {
        let text = match ring.invite {
            Some(_) => format!("It rings at {}: {}, {}", ring.name, length(ring), left(ring)),
            None => format!("Ringing {} …", ring.name),
        };
        lines.push(Line::from(Words::styled(text, ALERT)));
    }
    if let Some(since) = app.waits_since {
        lines.push(Line::from(Words::raw(format!("Somebody is looked for, since {}", words::clock(app.now().since(since))))));
    }
    if lines.is_empty() {
        lines.push(Line::from(Words::styled("Nothing rings.", QUIET)));
    }
    Text::from(lines)
}

/// The newest news that fit, the newest below.
fn happened(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let lines: Vec<Line<'_>> = app.news.iter().map(|news| Line::from(news.as_str())).collect();
    newest(lines, frame_of("What happened"), frame, area);
}

fn newest(lines: Vec<Line<'_>>, block: Block<'_>, frame: &mut Frame<'_>, area: Rect) {
    let inner = block.inner(area);
    // Lines are broken between words, so that they may take one row more than their width says.
    let rows = |line: &Line<'_>| {
        line.width().div_ceil(usize::from(inner.width).max(1)).max(1) + usize::from(line.width() > usize::from(inner.width))
    };
    let total: usize = lines.iter().map(rows).sum();
    let mut skip = 0;
    let mut over = total.saturating_sub(usize::from(inner.height));
    for line in &lines[..lines.len().saturating_sub(1)] {
        if over == 0 {
            break;
        }
        skip += 1;
        over = over.saturating_sub(rows(line));
    }
    frame.render_widget(Paragraph::new(lines.into_iter().skip(skip).collect::<Vec<_>>()).block(block).wrap(Wrap { trim: false }), area);
}

fn talk(app: &App, call: &Call, frame: &mut Frame<'_>, area: Rect) {
    let [clock, said, input] = Layout::vertical([Constraint::Length(1), Constraint::Min(3), Constraint::Length(3)]).areas(area);
    let started = call.started();
    let left = call.time_left(app.now());
    let whole = started.deadline.since(started.started).0.max(1);
    let mut title = format!(" {} · {} left ", started.peer.name, words::clock(left));
    if let Some(until) = call.peer_lost_until() {
        title =
            format!(" {} is away for {} at most · {} left ", started.peer.name, words::clock(until.since(app.now())), words::clock(left));
    }
    let style = if left.0 < 30_000 { ALERT } else { GOOD };
    let gauge = LineGauge::default()
        .label(Line::from(Words::styled(title, STRONG)))
        .filled_symbol("━")
        .filled_style(style)
        .unfilled_symbol("─")
        .unfilled_style(QUIET);
    frame.render_widget(gauge.ratio((left.0 as f64 / whole as f64).clamp(0.0, 1.0)), clock);

    let mut lines = Vec::with_capacity(app.chat.len() + 1);
    for line in &app.chat {
        let at = line.at.map_or("  …".into(), |at| words::clock(at.since(started.started)));
        let who = if line.is_own { "You" } else { started.peer.name.as_str() };
        lines.push(Line::from(vec![
            Words::styled(format!("{at:>5} "), QUIET),
            Words::styled(format!("{who}: "), STRONG),
            Words::raw(line.text.as_str()),
        ]));
    }
    if let Some(seconds) = app.more_asked {
        let more = words::length(Span::secs(seconds.into()));
        lines.push(Line::from(Words::styled(format!("      {} would like {more} more: Ctrl+E agrees", started.peer.name), ALERT)));
    }
    if let Some(news) = app.news.back().filter(|_| lines.is_empty()) {
        lines.push(Line::from(Words::styled(news.as_str(), QUIET)));
    }
    newest(lines, frame_of(&format!("With {}", started.peer.name)), frame, said);

    // What is written last is seen, whatever its length.
    let block = frame_of("You say");
    let inner = block.inner(input);
    let width = Line::from(app.input.as_str()).width() as u16;
    let scroll = (width + 1).saturating_sub(inner.width);
    frame.render_widget(Paragraph::new(app.input.as_str()).scroll((0, scroll)).block(block), input);
    frame.set_cursor_position(Position::new(inner.x + width - scroll.min(width), inner.y));
}

fn keys(app: &App) -> Line<'_> {
    let mut in_lobby = Vec::new();
    if let Some(ring) = app.rings.first() {
        in_lobby.extend([("a", format!("yes to {}", ring.name)), ("d", "no".into())]);
    }
    if app.own_ring.is_some() {
        in_lobby.push(("Esc", "take the ring back".into()));
    }
    if !app.is_in_lobby {
        in_lobby.push(("j", "into the lobby".into()));
    }
    let meet = if app.waits_since.is_some() { "wait no more" } else { "meet somebody" };
    in_lobby.extend([
        ("↑ ↓", "whom".into()),
        ("← →", "how long".into()),
        ("Enter", "ring".into()),
        ("m", meet.into()),
        ("q", "leave".into()),
    ]);
    let in_call = [("Enter", "say it"), ("Ctrl+E", "one more minute"), ("Ctrl+X", "hang up"), ("Ctrl+C", "leave")];
    let keys = match app.shown.call {
        Some(_) => in_call.map(|(key, what)| (key, what.to_owned())).to_vec(),
        None => in_lobby,
    };
    let mut line = Line::default();
    for (key, what) in keys {
        // A line is not broken within what one key does.
        line.push_span(Words::styled(key.replace(' ', "\u{a0}"), KEY));
        line.push_span(Words::raw(format!("\u{a0}{}   ", what.replace(' ', "\u{a0}"))));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Shown, Wish};
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use duologue_client::ids::ClientId;
    use duologue_client::time::Millis;
    use duologue_client::wire::Command;
    use duologue_client::{Config, Engine, Input, Output};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    const ANN: &str = r#"{"user":"00000000-0000-0000-0000-000000000001","name":"Ann"}"#;
    const BOB: &str = r#"{"user":"00000000-0000-0000-0000-000000000002","name":"Bob"}"#;

    /// A client whose server says what the story says, and its screen.
    struct Story {
        engine: Engine,
        now: Millis,
        app: App,
        seq: u64,
    }

    impl Story {
        fn new() -> Story {
            let config = Config { negotiate: false, ..Config::new("token", ClientId(1), 1) };
            let mut story = Story { engine: Engine::new(config), now: Millis(0), app: App::new("Ann", "WebSocket", 5), seq: 0 };
            story.engine.handle_input(Millis(0), Input::Open);
            story.engine.handle_input(Millis(0), Input::Connected { link: 1 });
            story.hears(&format!(
                r#"{{"t":"welcome","user":{ANN},"resume":"r","recovered":false,"now":1000000,"seq":0,"last_id":0,"grace_ms":10000,"media_base":"/media/","state":{{"lobby":null,"window":null,"invites":[],"ticket":null,"pair":null,"call":null,"unread":0}}}}"#
            ));
            story
        }

        /// What follows of itself.
        fn hears(&mut self, message: &str) -> Option<Wish> {
            self.engine.handle_input(self.now, Input::Received { link: 1, bytes: message.as_bytes() });
            let mut wish = None;
            while let Some(output) = self.engine.poll_output() {
                if let Output::Event(event) = output {
                    wish = self.app.told(event).or(wish);
                }
            }
            self.app.look(Shown::of(&self.engine, self.now));
            wish
        }

        fn event(&mut self, event: &str) {
            self.seq += 1;
            self.hears(&format!(r#"{{"seq":{},{event}}}"#, self.seq));
        }

        fn later(&mut self, ms: u64) {
            self.now.0 += ms;
            self.app.look(Shown::of(&self.engine, self.now));
        }

        fn press(&mut self, code: KeyCode) -> Option<Wish> {
            self.app.key(KeyEvent::new(code, KeyModifiers::NONE))
        }

        fn screen(&self, width: u16, height: u16) -> String {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
            terminal.draw(|frame| draw(&self.app, frame)).expect("drawn");
            let buffer = terminal.backend().buffer();
            let row = |y| (0..width).map(|x| buffer[(x, y)].symbol().replace('\u{a0}', " ")).collect::<String>().trim_end().to_owned();
            (0..height).map(|y| row(y) + "\n").collect()
        }

        fn window(&mut self, places: &str) {
            self.engine.handle_input(self.now, Input::Command { ask: 1, command: Command::Window { size: 3, filter: Default::default() } });
            self.hears(r#"{"t":"ok","re":1,"size":3}"#);
            self.hears(&format!(r#"{{"t":"window","version":1,"size":3,"places":[{places}],"available":3}}"#));
        }
    }

    #[test]
    fn the_lobby_shows_places_rings_and_keys() {
        let mut story = Story::new();
        let cid = BOB.replace("Bob", "Cid").replace("002", "003");
        story.window(&format!(r#"[0,{BOB}],[2,{cid},{{"cooldown_until":87399000}}]"#));
        story.event(&format!(r#""t":"rang","invite":7,"from":{BOB},"seconds":120,"expires":1020000"#));
        story.later(3_500);
        let shown = "
 Duologue Ann · connected over WebSocket · 3 free in the lobby
╭ Who is here · calls of 5 min ──────╮╭ Now ───────────────────────────────╮
│▸ 1 Bob                             ││Bob rings: 2 min, 0:17 left         │
│  2                                 │╰────────────────────────────────────╯
│  3 Cid  again in 23 h 59 min       │╭ What happened ─────────────────────╮
│                                    ││Welcome, Ann. Ring somebody, or let │
│                                    ││m find you somebody.                │
│                                    ││Bob rings, for 2 min.               │
│                                    ││                                    │
╰────────────────────────────────────╯╰────────────────────────────────────╯
a yes to Bob   d no   ↑ ↓ whom   ← → how long   Enter ring   m meet somebody
q leave
";
        story.app.is_in_lobby = true;
        assert_eq!(format!("\n{}", story.screen(76, 12)), shown);
    }

    #[test]
    fn a_call_shows_its_clock_what_was_said_and_what_is_written() {
        let mut story = Story::new();
        story.event(&format!(
            r#""t":"call_started","call":9,"peer":{BOB},"seconds":120,"started":1000000,"deadline":1120000,"now":1000000,"initiator":true,"epoch":1,"here":true"#
        ));
        story.event(r#""t":"chat","call":9,"from":"00000000-0000-0000-0000-000000000002","text":"hello \u001b[31m Ann","at":1003000"#);
        "ha".chars().for_each(|letter| assert_eq!(story.press(KeyCode::Char(letter)), None));
        story.later(20_000);
        let shown = "
 Duologue Ann · connected over WebSocket
 Bob · 1:40 left  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────
╭ With Bob ────────────────────────────────────────────────╮
│ 0:03 Bob: hello [31m Ann                                 │
╰──────────────────────────────────────────────────────────╯
╭ You say ─────────────────────────────────────────────────╮
│ha                                                        │
╰──────────────────────────────────────────────────────────╯
Enter say it   Ctrl+E one more minute   Ctrl+X hang up
Ctrl+C leave
";
        assert_eq!(format!("\n{}", story.screen(60, 10)), shown);
    }

    #[test]
    fn a_ring_whose_time_is_over_is_gone_though_nobody_said_so() {
        let mut story = Story::new();
        story.event(&format!(r#""t":"rang","invite":7,"from":{BOB},"seconds":120,"expires":1020000"#));
        assert!(story.screen(76, 12).contains("Bob rings"));
        story.later(20_000);
        assert!(story.screen(76, 12).contains("Nothing rings."));
        assert_eq!(story.press(KeyCode::Char('a')), None);
    }

    #[test]
    fn any_size_of_a_terminal_is_drawn() {
        let mut story = Story::new();
        story.window(&format!("[0,{BOB}]"));
        for (width, height) in [(1, 1), (2, 2), (10, 4), (20, 3), (200, 60)] {
            story.screen(width, height);
        }
        story.event(&format!(
            r#""t":"call_started","call":9,"peer":{BOB},"seconds":120,"started":1000000,"deadline":1120000,"now":1000000,"initiator":true,"epoch":1,"here":true"#
        ));
        "a long line that does not fit".chars().for_each(|letter| drop(story.press(KeyCode::Char(letter))));
        for (width, height) in [(1, 1), (2, 2), (10, 4), (20, 3), (200, 60)] {
            story.screen(width, height);
        }
    }
}
