//! What was measured, kept in `docs/benchmarks.json`, and the page and pictures made of it. A section measured anew replaces its
//! figures; the others stay.

use plotters::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// One line of a table.
#[derive(Debug, Deserialize, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// With its unit.
    pub figure: String,
    /// What the design asks for; empty where it asks for nothing.
    pub target: String,
}

impl Figure {
    /// Without a target.
    pub fn plain(what: impl Into<String>, figure: impl Into<String>) -> Figure {
        Figure { what: what.into(), figure: figure.into(), target: String::new() }
    }

    /// With one.
    pub fn held(what: impl Into<String>, figure: impl Into<String>, target: impl Into<String>) -> Figure {
        Figure { what: what.into(), figure: figure.into(), target: target.into() }
    }
}

/// A picture of some figures.
#[derive(Debug, Deserialize, Serialize)]
pub struct Plot {
    /// The file is `docs/pictures/bench-NAME.svg`.
    pub name: String,
    /// Above it.
    pub title: String,
    /// Beneath it.
    pub x: String,
    /// Beside it.
    pub y: String,
    /// Of each line its name and points.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
}

/// What one section measured.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Measured {
    /// Its table.
    pub figures: Vec<Figure>,
    /// Its pictures.
    pub plots: Vec<Plot>,
}

/// A section: its name in the command, its heading, how it is measured.
pub struct Section {
    /// In the command.
    pub name: &'static str,
    /// In the page.
    pub heading: &'static str,
    /// A sentence or two.
    pub how: &'static str,
}

/// Everything measured so far, by section.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Book(BTreeMap<String, Measured>);

const KEPT: &str = "docs/benchmarks.json";
const PAGE: &str = "docs/benchmarks.md";

impl Book {
    /// As it was left.
    pub fn read() -> Book {
        fs::read(KEPT).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// A section is measured anew.
    pub fn set(&mut self, section: &Section, measured: Measured) {
        self.0.insert(section.name.into(), measured);
    }

    /// Writes figures, page and pictures.
    pub fn write(&self, sections: &[Section]) -> std::io::Result<()> {
        if !Path::new("docs").is_dir() {
            return Err(std::io::Error::other("there is no docs/ here: run it from the top of the checkout"));
        }
        fs::write(KEPT, serde_json::to_vec_pretty(self).expect("figures are JSON"))?;
        let mut text = String::from(
            "# Benchmarks\n\nMade by `cargo run --release -p duologue-bench`, which measures everything and writes this page; \
             `-- NAME …` measures those sections anew. Byte counts are exact and the same everywhere; CPU time and durations are of two \
             shared cores, and compare only within a run. The clients are always a process of their own, unless it says otherwise.\n",
        );
        for section in sections {
            let Some(measured) = self.0.get(section.name) else { continue };
            let _ = write!(text, "\n## {}\n\n`-- {}`. {}\n\n", section.heading, section.name, section.how);
            text.push_str("| what | figure | target |\n|---|---|---|\n");
            for Figure { what, figure, target } in &measured.figures {
                let _ = writeln!(text, "| {what} | {figure} | {target} |");
            }
            for plot in &measured.plots {
                let file = format!("pictures/bench-{}.svg", plot.name);
                draw(plot, &format!("docs/{file}")).map_err(std::io::Error::other)?;
                let _ = write!(text, "\n![{}]({file})\n", plot.title);
            }
        }
        fs::write(PAGE, text)
    }
}

/// One picture, in colours that can be told apart in grey too.
fn draw(plot: &Plot, file: &str) -> Result<(), String> {
    const COLOURS: [RGBColor; 4] =
        [RGBColor(0xd0, 0x5a, 0x2b), RGBColor(0x22, 0x5e, 0xa8), RGBColor(0x5a, 0x96, 0x3c), RGBColor(0x70, 0x70, 0x70)];
    let said = |error: &dyn std::fmt::Display| format!("{file}: {error}");
    let points = || plot.lines.iter().flat_map(|(_, points)| points);
    let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
    let root = SVGBackend::new(file, (760, 420)).into_drawing_area();
    root.fill(&WHITE).map_err(|error| said(&error))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(&plot.title, ("sans-serif", 18))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..most(|point| point.0) * 1.02, 0.0..most(|point| point.1) * 1.08)
        .map_err(|error| said(&error))?;
    chart
        .configure_mesh()
        .x_desc(&plot.x)
        .y_desc(&plot.y)
        .x_label_formatter(&|x| thousands(*x as u64))
        .light_line_style(WHITE)
        .label_style(("sans-serif", 13))
        .draw()
        .map_err(|error| said(&error))?;
    for (n, (name, points)) in plot.lines.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3))
            .map_err(|error| said(&error))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 13))
        .border_style(BLACK.mix(0.2))
        .background_style(WHITE)
        .draw()
        .map_err(|error| said(&error))?;
    root.present().map_err(|error| said(&error))
}

/// With a comma every three digits.
pub fn thousands(n: u64) -> String {
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

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
