//! Latency as a picture.

use std::path::Path;

use plotters::prelude::*;

use crate::args::Axis;
use crate::ramp::Ramp;
use crate::report::Outcome;
use crate::tally::Latency;

const SIZE: (u32, u32) = (900, 500);

/// A line: its name, its colour, which latency.
type Curve = (&'static str, RGBColor, fn(&Latency) -> f64);

const CURVES: [Curve; 3] = [
    ("max", RGBColor(150, 150, 150), |latency| latency.max),
    ("p99", RGBColor(200, 60, 40), |latency| latency.p99),
    ("p50", RGBColor(40, 90, 180), |latency| latency.p50),
];

/// Latency over the time of a run.
pub fn of_run(path: &Path, outcome: &Outcome) -> Result<(), String> {
    let points = outcome.points.iter().map(|point| (point.seconds, point.latency)).collect();
    let title = format!("Latency of {} clients, {:.0} messages a second", outcome.clients, outcome.rate);
    draw(path, &title, "seconds", points)
}

/// Latency over what a ramp raised.
pub fn of_ramp(path: &Path, ramp: &Ramp, axis: Axis) -> Result<(), String> {
    let value = |step: &Outcome| match axis {
        Axis::Clients => step.clients as f64,
        Axis::Rate => step.rate,
    };
    let points = ramp.steps.iter().filter_map(|step| Some((value(step), step.latency_ms?)));
    let mut points: Vec<_> = points.collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (title, label) = match axis {
        Axis::Clients => ("Latency by clients", "clients"),
        Axis::Rate => ("Latency by rate", "messages a second"),
    };
    draw(path, title, label, points)
}

fn draw(path: &Path, title: &str, label: &str, points: Vec<(f64, Latency)>) -> Result<(), String> {
    let failed = |error: String| format!("failed to draw {}: {error}", path.display());
    let mut svg = String::new();
    paint(&mut svg, title, label, &points).map_err(|error| failed(error.to_string()))?;
    std::fs::write(path, svg).map_err(|error| failed(error.to_string()))
}

fn paint(
    svg: &mut String,
    title: &str,
    label: &str,
    points: &[(f64, Latency)],
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let last = points.iter().map(|(x, _)| *x).fold(1e-3, f64::max);
    let highest = points.iter().map(|(_, latency)| latency.max).fold(0.1, f64::max);
    let lowest = points.iter().map(|(_, latency)| latency.p50).fold(highest, f64::min);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(70)
        // Latency spans decades, and its median would be a flat line below its maximum.
        .build_cartesian_2d(0.0..last * 1.02, (lowest / 2.0..highest * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc(label)
        .y_desc("milliseconds")
        .y_label_formatter(&|value| format!("{value}"))
        .light_line_style(WHITE)
        .draw()?;
    for (name, color, of) in CURVES {
        let line = points.iter().map(|(x, latency)| (*x, of(latency).max(lowest / 2.0)));
        chart
            .draw_series(LineSeries::new(line.clone(), color.stroke_width(2)).point_size(3))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}
