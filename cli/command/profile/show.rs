//! `isotherm profile show`: what is in a profile, and where its numbers come from.

use isotherm_core::hardware::{Basis, DeviceProfile};
use isotherm_core::thermal::Modes;

use crate::args::ProfileShow;
use crate::exit::{self, Code};
use crate::fault::Fault;

/// Prints the profile.
pub(super) fn run(options: &ProfileShow) -> Result<Code, Fault> {
    let profile = super::read_profile(&options.profile)?;
    let text = if options.json { super::json(&profile)? } else { summary(&profile)? };
    super::super::print(&text)?;
    Ok(exit::SUCCESS)
}

fn summary(profile: &DeviceProfile) -> Result<String, Fault> {
    let network = profile.network().map_err(Fault::Input)?;
    let modes = Modes::of(&network);
    let mut text = format!("{}\nidle {}, ambient {}\n\n", profile.name, profile.idle_power, profile.ambient);
    text.push_str("node        capacity (J/K)  heat share  memory's  to ambient (W/K)\n");
    let shares = profile.heat_shares().into_iter().zip(profile.memory_heat_shares());
    for (node, (heat, memory)) in profile.node.iter().zip(shares) {
        text.push_str(&format!(
            "{:<12} {:>13}  {heat:>10}  {memory:>8}  {:>16}\n",
            node.name, node.capacity_j_per_k, node.ambient_w_per_k
        ));
    }
    text.push_str("\nlink                     (W/K)\n");
    for link in &profile.link {
        text.push_str(&format!("{:<22} {:>7}\n", link.between.join(" - "), link.w_per_k));
    }
    let mut constants: Vec<f64> = modes.time_constants().collect();
    constants.sort_by(f64::total_cmp);
    let constants: Vec<String> = constants.iter().map(|tau| format!("{tau:.3} s")).collect();
    text.push_str(&format!("\ntime constants: {}\n", constants.join(", ")));
    // Kelvin of each sensor for each watt: what a steady load costs.
    let memory = profile.memory_node();
    for (source, shares) in [("heat", profile.heat_shares()), ("memory's heat", profile.memory_heat_shares())] {
        let drive = modes.drive(&shares, 0.0);
        let (die, hbm) = (modes.steady(&drive, 0), modes.steady(&drive, memory));
        let hbm = if memory > 0 { format!(", hbm {hbm:.4}") } else { String::new() };
        text.push_str(&format!("steady rise for a watt of {source}: die {die:.4}{hbm} K/W\n"));
    }
    if !profile.origin.is_empty() {
        text.push_str("\norigin\n");
    }
    for (key, origin) in &profile.origin {
        let basis = match origin.basis {
            Basis::Measured => "measured",
            Basis::Fitted => "fitted",
            Basis::Published => "published",
            Basis::Derived => "derived",
            Basis::Guessed => "GUESSED",
        };
        let interval = origin.plus_minus.map_or(String::new(), |half| format!(" +- {half}"));
        text.push_str(&format!("  {key:<34} {basis}{interval}  {}\n", origin.note));
    }
    Ok(text)
}
