//! `cargo run --release -p isotherm-calibration --example kernels -- check PROFILE.toml FILE...` compares a profile with
//! tables of kernels (`.csv`, `.csv.gz`) and phases (`.json`); `fit-kernels` and `fit-layers` fit it to them instead.

use std::error::Error;
use std::path::Path;

use isotherm_calibration::kernels::{Phases, fit_kernels, fit_layers, read_kernels, read_phases, run};
use isotherm_core::hardware::DeviceProfile;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [verb, profile, files @ ..] = words.as_slice() else {
        return Err("usage: kernels check|fit-kernels|fit-layers PROFILE.toml FILE...".into());
    };
    // Several files joined with commas make one profile, later sections in place of earlier ones: the thermal part and the
    // kernels can be written apart.
    let mut sections = toml::Table::new();
    for file in profile.split(',') {
        sections.extend(std::fs::read_to_string(file)?.parse::<toml::Table>()?);
    }
    let profile: DeviceProfile = sections.try_into()?;
    match verb.as_str() {
        "check" => {
            for file in files {
                print!("{}", run(&profile, Path::new(file))?);
            }
            Ok(())
        }
        "fit-kernels" => {
            let mut rows = Vec::new();
            for file in files {
                rows.extend(read_kernels(Path::new(file))?.rows);
            }
            print!("{}", fit_kernels(&profile, &rows)?);
            Ok(())
        }
        "fit-layers" => {
            let recordings: Vec<Phases> = files.iter().map(|f| read_phases(Path::new(f))).collect::<Result<_, _>>()?;
            print!("{}", fit_layers(&profile, &recordings)?);
            Ok(())
        }
        other => Err(format!("`{other}`: expected check, fit-kernels or fit-layers").into()),
    }
}
