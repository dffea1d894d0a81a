//! Measures Duologue and writes `docs/benchmarks.md`. CPU time is that of this thread, byte counts are exact.
//!
//!     cargo run --release -p duologue-bench

mod cpu;
mod realm;

use duologue_core::engine::Engine;
use duologue_core::input::Input;
use duologue_core::kit::random::Purpose;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Command, Filter};
use duologue_sim::{Plan, Visits, run_with};
use duologue_transport::Form;
use std::fmt::Write as _;

// As in the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// One line of the table.
struct Row {
    what: String,
    figure: String,
    target: &'static str,
}

/// Only what takes seconds.
fn is_quick() -> bool {
    std::env::args().any(|arg| arg == "--quick")
}

/// How many people the core is measured with.
fn sizes() -> &'static [u32] {
    if is_quick() { &[5_000] } else { &[5_000, 100_000, 1_000_000] }
}

/// How many people do nothing while it is polled.
fn idle_sizes() -> &'static [u32] {
    if is_quick() { &[10, 1_000, 100_000] } else { &[10, 1_000, 1_000_000] }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, flag, people] = args.as_slice()
        && flag == MEMORY
    {
        return tell_memory(people.parse().expect("a number of people"));
    }
    let mut rows = Vec::new();
    for people in sizes() {
        eprintln!("core inputs, {people} people …");
        rows.extend(core_inputs(*people));
    }
    eprintln!("idle polls …");
    for people in idle_sizes() {
        rows.push(idle_poll(*people));
    }
    for (form, name) in [(Form::Json, "JSON, not deflated"), (Form::Postcard, "binary")] {
        for people in [100, 1_000, 2_000] {
            eprintln!("bytes while {people} join, {name} …");
            rows.push(joining(people, form, name));
        }
    }
    rows.extend(simulator());
    write_table(&rows);
}

/// The simulator: real engine, gateway, commit, codec and half of the clients real too, in one thread.
fn simulator() -> Vec<Row> {
    let (people, minutes) = if is_quick() { (200, 10) } else { (1_000, 60) };
    let mut runs = vec![
        (format!("simulator, {people} people in steady use for {minutes} minutes, laws on"), Plan::steady(7, people, minutes), "≤ 6 s"),
        (
            format!("simulator, {people} people in steady use for {minutes} minutes, laws off"),
            Plan { laws: false, ..Plan::steady(7, people, minutes) },
            "≤ 2 s",
        ),
    ];
    if !is_quick() {
        let day = Plan::steady(7, 10_000, 24 * 60).in_visits(Visits { count: 2, minutes: 30 });
        runs.push(("simulator, 10,000 people over a day, each there for half an hour in two visits, laws on".into(), day, "≤ 60 s"));
    }
    let mut rows: Vec<Row> = runs.into_iter().map(|(what, plan, target)| simulated(what, &[plan], target)).collect();
    let worlds: Vec<Plan> = (1..=if is_quick() { 10 } else { 100 }).map(Plan::drawn).collect();
    rows.push(simulated(format!("simulator, {} small worlds with all laws", worlds.len()), &worlds, ""));
    rows
}

fn simulated(what: String, plans: &[Plan], target: &'static str) -> Row {
    eprintln!("{what} …");
    let start = cpu::thread_time();
    let inputs: u64 = plans
        .iter()
        .map(|plan| {
            let report = run_with(plan, &mut |_| {});
            assert!(report.failure.is_none(), "{report}");
            report.inputs
        })
        .sum();
    let spent = cpu::thread_time() - start;
    let rate = inputs as f64 / spent.as_secs_f64();
    Row { what, figure: format!("{:.1} s CPU, {} inputs a CPU-second", spent.as_secs_f64(), thousands(rate as u64)), target }
}

/// Measures memory alone, and prints it.
const MEMORY: &str = "--memory";

/// What so many people in the lobby hold, in a process of its own: what one measurement gave back would serve the next.
fn memory_of(people: u32) -> u64 {
    let this = std::env::current_exe().expect("a program knows where it is");
    let output = std::process::Command::new(this).args([MEMORY, &people.to_string()]).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints bytes")
}

fn tell_memory(people: u32) {
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
fn core_inputs(people: u32) -> Vec<Row> {
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
        Row { what: format!("core, {people} people: inputs a CPU-second"), figure: thousands(rate as u64), target },
        Row {
            what: format!("core, {people} people in the lobby with a window of 20: memory"),
            figure: format!("{} MB, {per_user} B a person", memory / 1_000_000),
            target: if people == 1_000_000 { "≤ 1 GB" } else { "" },
        },
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

fn idle_poll(people: u32) -> Row {
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
    Row { what: format!("idle poll, {people} people"), figure: format!("{nanos} ns"), target: "≤ 20 ns, the same for all" }
}

fn joining(people: u32, form: Form, name: &str) -> Row {
    let mut realm = realm::Realm::new(people, form);
    let start = cpu::thread_time();
    for n in 1..=people {
        realm.come(n);
        realm.pass(Span(10));
    }
    realm.pass(Span::secs(2));
    let spent = cpu::thread_time() - start;
    let target = match (people, form) {
        (1_000, Form::Json) => "≤ 1.6 MB deflated",
        (1_000, Form::Postcard) => "≤ 1.2 MB, then ≤ 0.9",
        _ => "linear in N",
    };
    Row {
        what: format!("bytes while {people} join, each with a window of 20, {name}"),
        figure: format!("{:.2} MB, {:.0} ms CPU", realm.sent_bytes as f64 / 1e6, spent.as_secs_f64() * 1e3),
        target,
    }
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn write_table(rows: &[Row]) {
    let mut text = String::from(
        "# Benchmarks\n\nMade by `cargo run --release -p duologue-bench`, which measures and writes this page. CPU time is that of the \
         measuring thread on whatever machine it ran; byte counts are exact and the same everywhere. Measured with engine and gateway in \
         one thread and a store that has always just written.\n\n| what | figure | target |\n|---|---|---|\n",
    );
    for row in rows {
        let _ = writeln!(text, "| {} | {} | {} |", row.what, row.figure, row.target);
        println!("{:<90} {:>28}   {}", row.what, row.figure, row.target);
    }
    std::fs::write("docs/benchmarks.md", text).expect("docs/ is there: run it from the top of the checkout");
}
