//! The engine alone, without gateway and codec: how much it does in a CPU-second, what it holds, and what it costs while nobody wants
//! anything.

use crate::page::{Figure, thousands};
use crate::{cpu, realm};
use duologue_core::engine::Engine;
use duologue_core::input::Input;
use duologue_core::kit::random::Purpose;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::{LinkEvent, Output};
use duologue_core::wire::{Command, Event, Filter, Patch, ProfilePatch};

/// All figures.
pub fn figures(quick: bool) -> Vec<Figure> {
    let sizes: &[u32] = if quick { &[5_000] } else { &[5_000, 100_000, 1_000_000] };
    let idle: &[u32] = if quick { &[10, 1_000, 100_000] } else { &[10, 1_000, 1_000_000] };
    let mut figures = Vec::new();
    for people in sizes {
        eprintln!("  {people} people …");
        figures.extend(inputs(*people));
    }
    eprintln!("  idle polls …");
    figures.extend(idle.iter().map(|people| idle_poll(*people)));
    let waiting = if quick { 1_000 } else { 10_000 };
    figures.push(tickets(waiting));
    figures.extend(crowd(waiting));
    figures
}

/// What so many people in the lobby hold, in a process of its own: what one measurement gave back would serve the next.
fn memory_of(people: u32) -> u64 {
    let this = std::env::current_exe().expect("a program knows where it is");
    let output = std::process::Command::new(this).args(["--memory", &people.to_string()]).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints bytes")
}

/// What a process started with `--memory` does.
pub fn tell_memory(people: u32) {
    let before = cpu::resident_bytes();
    let (engine, _) = crowded(people);
    println!("{}", cpu::resident_bytes().saturating_sub(before));
    drop(engine);
}

/// So many people in the lobby, each with a window of 20.
fn crowded(people: u32) -> (Engine, Millis) {
    let mut engine = realm::engine(people);
    let mut now = realm::START;
    for n in 1..=people {
        realm::come(&mut engine, now, n);
        if n % 50 == 0 {
            now = now + Span(1);
        }
    }
    (engine, now)
}

/// Mixed inputs of which 10 % change who is visible, windows on: time goes on a millisecond every few inputs.
fn inputs(people: u32) -> Vec<Figure> {
    let memory = memory_of(people);
    let (mut engine, mut now) = crowded(people);
    let count: u64 = 1_000_000;
    let inputs: Vec<Input> = (0..count).map(|i| mixed(people, i)).collect();
    let start = cpu::thread_time();
    for (i, input) in inputs.iter().enumerate() {
        if i % 10 == 0 {
            now = now + Span(1);
        }
        realm::give(&mut engine, now, input);
    }
    let spent = cpu::thread_time() - start;
    let rate = count as f64 / spent.as_secs_f64();
    let target = match people {
        5_000 => "≥ 1,000,000",
        1_000_000 => "≥ 250,000",
        _ => "",
    };
    let per_user = memory / u64::from(people);
    vec![
        Figure::held(format!("{people} people: inputs a CPU-second"), thousands(rate as u64), target),
        Figure::held(
            format!("{people} people in the lobby with a window of 20: memory"),
            format!("{} MB, {per_user} B a person", memory / 1_000_000),
            if people == 1_000_000 { "≤ 1 GB" } else { "" },
        ),
    ]
}

/// One in ten makes somebody visible or invisible: a person leaves, joins again, and opens the window anew, so that windows stay on.
/// The others ask for something that is refused, answered or changes nothing visible.
fn mixed(people: u32, i: u64) -> Input {
    let (round, step) = (i / 20, i % 20);
    let draw = realm::SEED.pick(Purpose::Expose, if step < 3 { round * 20 } else { i }, 99);
    let n = (draw % u64::from(people)) as u32 + 1;
    let other = realm::user(((draw >> 32) % u64::from(people)) as u32 + 1);
    let command = match step {
        0 => Command::Leave,
        1 => Command::Join { lobby: None },
        2 => Command::Window { size: 20, filter: Filter::default() },
        3..=6 => Command::Invite { to: other, seconds: 10 },
        7..=10 => Command::Rescind { invite: duologue_core::kit::ids::InviteId(draw >> 20) },
        11..=14 => Command::HangUp { call: duologue_core::kit::ids::CallId(draw >> 20) },
        15..=17 => Command::Unpair,
        _ => Command::Join { lobby: None },
    };
    realm::command(n, 10 + i, command)
}

fn idle_poll(people: u32) -> Figure {
    let mut engine: Engine = realm::engine(people);
    for n in 1..=people {
        realm::come(&mut engine, realm::START, n);
    }
    let mut now: Millis = realm::START + Span::secs(5);
    engine.handle_timeout(now);
    realm::drain(&mut engine);
    let count = 1_000_000u32;
    let start = cpu::thread_time();
    for _ in 0..count {
        now = now + Span(u64::from(engine.poll_timeout().is_none()));
        engine.handle_timeout(now);
        assert!(engine.poll_output().is_none(), "nothing happens");
    }
    let nanos = (cpu::thread_time() - start).as_nanos() / u128::from(count);
    Figure::held(format!("idle poll, {people} people"), format!("{nanos} ns"), "≤ 20 ns, the same for all")
}

/// Person `n` comes with these tags and wishes to be paired with somebody who has those.
fn wish(engine: &mut Engine, now: Millis, n: u32, tags: Vec<String>, wanted: Vec<String>) {
    realm::give(engine, now, &realm::guest(n));
    realm::attach(engine, now, n);
    let patch = ProfilePatch { tags: Patch::Set(tags), ..ProfilePatch::default() };
    realm::give(engine, now, &realm::command(n, 1, Command::Profile(Box::new(patch))));
    realm::give(engine, now, &realm::command(n, 2, Command::Join { lobby: None }));
    let filter = Filter { tags: wanted, ..Filter::default() };
    realm::give(engine, now, &realm::command(n, 3, Command::Pair { filter, confirm: false }));
}

/// A crowd that waits for somebody who is not there: what a minute of it costs, without and with one more who fits nobody.
fn crowd(people: u32) -> [Figure; 2] {
    const MINUTES: u32 = 200;
    let (here, absent) = (|| vec!["here".to_string()], || vec!["absent".to_string()]);
    let mut engine = realm::engine(people + MINUTES);
    let mut now = realm::START;
    for n in 1..=people {
        wish(&mut engine, now, n, here(), absent());
        now = now + Span(5);
    }
    // The thread's clock is too coarse for one of them.
    let minutes = |engine: &mut Engine, now: &mut Millis, somebody_comes: bool| {
        let start = cpu::thread_time();
        for minute in 1..=MINUTES {
            if somebody_comes {
                wish(engine, *now, people + minute, here(), absent());
            }
            let end = *now + Span::secs(60);
            while let Some(deadline) = engine.poll_timeout().filter(|deadline| deadline.at <= end) {
                engine.handle_timeout(deadline.at);
                realm::drain(engine);
            }
            *now = end;
        }
        format!("{:.3} ms", (cpu::thread_time() - start).as_secs_f64() * 1e3 / f64::from(MINUTES))
    };
    let idle = minutes(&mut engine, &mut now, false);
    let newcomers = minutes(&mut engine, &mut now, true);
    assert_eq!((engine.usage().tickets, engine.usage().calls), (people + MINUTES, 0), "everybody waits");
    [
        Figure::plain(format!("{people} tickets that fit nobody: a minute of waiting"), idle),
        Figure::plain(format!("{people} tickets that fit nobody: a minute in which one more comes"), newcomers),
    ]
}

/// So many tickets at once, each with three tags that the other must have, paired in one round.
fn tickets(people: u32) -> Figure {
    let mut engine = realm::engine(people);
    let tags = |n: u32| -> Vec<String> { (0..3).map(|k| format!("tag{}", (n / 2 + k) % 20)).collect() };
    (1..=people).for_each(|n| wish(&mut engine, realm::START, n, tags(n), tags(n)));
    let mut calls = 0;
    let start = cpu::thread_time();
    let mut now = realm::START;
    while let Some(deadline) = engine.poll_timeout().filter(|_| calls < people as usize * 9 / 10) {
        now = now.max(deadline.at);
        engine.handle_timeout(now);
        while let Some(output) = engine.poll_output() {
            calls += usize::from(matches!(output, Output::Event { event: LinkEvent::Numbered(Event::CallStarted(_)), .. }));
        }
    }
    let ms = (cpu::thread_time() - start).as_secs_f64() * 1e3;
    Figure::held(format!("{people} tickets of three tags each, until nine of ten are in a call"), format!("{ms:.0} ms"), "≤ 20 ms")
}
