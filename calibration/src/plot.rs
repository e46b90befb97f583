//! A fit against its data as SVG: temperatures, what is left over, and the power that drove them.

use std::fmt::Write;

use crate::thermal::check::{Curves, TrackCheck};

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TITLE: f64 = 54.0;
const GAP: f64 = 18.0;
const BOTTOM: f64 = 46.0;
/// Heights of the three panels: temperatures, residuals, power.
const PANELS: [f64; 3] = [260.0, 96.0, 96.0];
/// More points than this on a line cannot be seen.
const POINTS: usize = 1800;

const GPU: &str = "#c2410c";
const HBM: &str = "#0369a1";
const POWER: &str = "#57534e";

/// One drawing with a block for each GPU.
#[must_use]
pub fn svg(title: &str, tracks: &[TrackCheck]) -> String {
    let block = TITLE + PANELS.iter().sum::<f64>() + 2.0 * GAP + BOTTOM;
    let height = 34.0 + block * tracks.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#1c1917\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
        escaped(title)
    );
    for (k, track) in tracks.iter().enumerate() {
        draw(&mut svg, 34.0 + block * k as f64, track);
    }
    svg.push_str("</svg>\n");
    svg
}

/// A rectangle with scales.
struct Panel {
    top: f64,
    height: f64,
    time: (f64, f64),
    value: (f64, f64),
}

impl Panel {
    fn x(&self, t: f64) -> f64 {
        LEFT + (t - self.time.0) / (self.time.1 - self.time.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, v: f64) -> f64 {
        let (low, high) = self.value;
        self.top + (1.0 - (v.clamp(low, high) - low) / (high - low)) * self.height
    }

    /// Grid lines with their numbers, the frame, and what the axis means.
    fn frame(&self, svg: &mut String, label: &str, times: bool) {
        for v in ticks(self.value.0, self.value.1, (self.height / 24.0).max(2.0)) {
            let y = self.y(v);
            line(svg, LEFT, y, WIDTH - RIGHT, y, "#e7e5e4");
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#78716c\">{v}</text>",
                LEFT - 6.0,
                y + 4.0
            );
        }
        for t in ticks(self.time.0, self.time.1, 10.0) {
            let x = self.x(t);
            line(svg, x, self.top, x, self.top + self.height, "#f5f5f4");
            if times {
                let y = self.top + self.height + 16.0;
                let _ =
                    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"#78716c\">{t}</text>");
            }
        }
        let middle = self.top + 0.5 * self.height;
        let _ = writeln!(
            svg,
            "<text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.1})\" fill=\"#57534e\">{label}</text>"
        );
    }

    /// A line through values at instants; holes where there is no value.
    fn curve(&self, svg: &mut String, time: &[f64], values: &[f64], style: &str) {
        let stride = values.len().div_ceil(POINTS).max(1);
        let mut path = String::new();
        let mut drawing = false;
        for (t, v) in time.iter().zip(values).step_by(stride) {
            if v.is_finite() {
                let _ = write!(path, "{}{:.1} {:.1}", if drawing { "L" } else { "M" }, self.x(*t), self.y(*v));
            }
            drawing = v.is_finite();
        }
        let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" {style}/>");
    }
}

fn draw(svg: &mut String, top: f64, track: &TrackCheck) {
    let curves = &track.curves;
    let (Some(&first), Some(&last)) = (curves.time.first(), curves.time.last()) else { return };
    let time = (first, last);
    let mut y = top + TITLE;
    let mut panel = |height: f64, value: (f64, f64)| {
        let panel = Panel { top: y, height, time, value };
        y += height + GAP;
        panel
    };
    let temperatures = panel(PANELS[0], temperature_range(curves));
    let residuals = panel(PANELS[1], (-4.0, 4.0));
    let highest = curves.power.iter().copied().fold(100.0, f64::max);
    let powers = panel(PANELS[2], (0.0, (highest / 100.0).ceil() * 100.0));

    legend(svg, top, track);
    shade(svg, &[&temperatures, &residuals, &powers], curves);
    temperatures.frame(svg, "temperature (°C)", false);
    residuals.frame(svg, "model − data (K)", false);
    powers.frame(svg, "power (W)", true);
    for (colour, (data, model)) in [(GPU, &curves.gpu), (HBM, &curves.hbm)] {
        temperatures.curve(
            svg,
            &curves.time,
            data,
            &format!("stroke=\"{colour}\" stroke-opacity=\"0.35\" stroke-width=\"3\""),
        );
        temperatures.curve(svg, &curves.time, model, &format!("stroke=\"{colour}\" stroke-width=\"1.2\""));
        let left: Vec<f64> = model.iter().zip(data).map(|(model, data)| model - data).collect();
        residuals.curve(svg, &curves.time, &left, &format!("stroke=\"{colour}\" stroke-width=\"1\""));
    }
    let zero = residuals.y(0.0);
    line(svg, LEFT, zero, WIDTH - RIGHT, zero, "#a8a29e");
    powers.curve(svg, &curves.time, &curves.power, &format!("stroke=\"{POWER}\" stroke-width=\"1\""));
    let below = powers.top + powers.height + 34.0;
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{below:.1}\" text-anchor=\"middle\" fill=\"#57534e\">time (s)</text>",
        0.5 * (LEFT + WIDTH)
    );
}

fn legend(svg: &mut String, top: f64, track: &TrackCheck) {
    let name = track.file.rsplit(['/', '\\']).next().unwrap_or(&track.file);
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"600\">{} · GPU {}</text>",
        top + 20.0,
        escaped(name),
        track.gpu
    );
    let size = |sensor: &crate::thermal::check::Sensor| {
        let rmse = |size: Option<crate::thermal::check::Size>| size.map(|size| format!("{:.2} K", size.rmse));
        let aliased = rmse(sensor.aliased).map_or(String::new(), |text| format!(", aliased {text}"));
        rmse(sensor.continuous).unwrap_or_else(|| "no data".to_owned()) + &aliased
    };
    let gpu = format!("GPU: RMSE {}", size(&track.with_drift.gpu));
    let hbm = track.with_drift.hbm.as_ref().map(|hbm| format!("HBM: RMSE {}", size(hbm)));
    let mut x = LEFT;
    for (colour, text) in [(GPU, Some(gpu)), (HBM, hbm)] {
        let Some(text) = text else { continue };
        let y = top + 42.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}h22\" stroke=\"{colour}\" stroke-opacity=\"0.35\" stroke-width=\"4\"/>\
             <path d=\"M{x:.1} {:.1}h22\" stroke=\"{colour}\" stroke-width=\"1.4\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{text}</text>",
            y - 4.0,
            y - 4.0,
            x + 28.0
        );
        x += 320.0;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#78716c\">broad: measured · thin: model · shaded: not fitted · differences cut at 4 K</text>",
        WIDTH - RIGHT,
        top + 20.0
    );
}

/// Shades the stretches that are not fitted.
fn shade(svg: &mut String, panels: &[&Panel], curves: &Curves) {
    let mut from = None;
    let ends = curves.aliased.iter().chain([&false]).zip(curves.time.iter().chain(curves.time.last()));
    for (aliased, t) in ends {
        match (aliased, from) {
            (true, None) => from = Some(*t),
            (false, Some(start)) => {
                for panel in panels {
                    let (a, b) = (panel.x(start), panel.x(*t));
                    let _ = writeln!(
                        svg,
                        "<rect x=\"{a:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#fef3c7\"/>",
                        panel.top,
                        b - a,
                        panel.height
                    );
                }
                from = None;
            }
            _ => {}
        }
    }
}

fn temperature_range(curves: &Curves) -> (f64, f64) {
    let all = [&curves.gpu.0, &curves.gpu.1, &curves.hbm.0, &curves.hbm.1];
    let known = all.into_iter().flatten().copied().filter(|t| t.is_finite());
    let (low, high) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), t| (low.min(t), high.max(t)));
    if low > high {
        return (0.0, 100.0);
    }
    ((low / 5.0).floor() * 5.0, ((high + 0.1) / 5.0).ceil() * 5.0)
}

/// Round numbers in a range, about `wanted` of them.
fn ticks(low: f64, high: f64, wanted: f64) -> Vec<f64> {
    let rough = (high - low) / wanted;
    let steps = (-3..7).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)));
    let step = steps.filter(|step| *step >= rough).fold(f64::INFINITY, f64::min);
    if !step.is_finite() {
        return Vec::new();
    }
    let (first, last) = ((low / step).ceil() as i64, (high / step + 1e-9).floor() as i64);
    (first..=last).map(|k| k as f64 * step).collect()
}

fn line(svg: &mut String, x1: f64, y1: f64, x2: f64, y2: f64, colour: &str) {
    let _ = writeln!(svg, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{colour}\"/>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 446.0, 10.0), [0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 400.0]);
        assert_eq!(ticks(-4.0, 4.0, 4.0), [-4.0, -2.0, 0.0, 2.0, 4.0]);
    }
}
