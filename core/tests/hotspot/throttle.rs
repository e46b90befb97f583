//! Throttling in a closed loop: every switch is an event at its computed instant.

use super::sets::{counted, derived, measured, number, params, rows};

#[test]
fn a_throttled_device_switches_at_the_exact_instants() {
    for (folder, case) in derived("throttle") {
        let params = params(&folder);
        let [engage, release, scale, end] =
            ["T_engage_K", "T_release_K", "throttle_scale", "t_end_s"].map(|key| number(&params[key]));
        let ambient = number(&params["ambient_K"]);
        let sensor = case.block(&params["sensor_block"]);
        let scaled: Vec<usize> = params["scaled_blocks"].split_whitespace().map(|name| case.block(name)).collect();
        let workload = rows(&folder.join("workload.csv"));
        let mut segments = rows(&folder.join("segments_expected.csv")).into_iter().skip(1).peekable();
        let mut switches = rows(&folder.join("switches_expected.csv")).into_iter().skip(1).peekable();

        let mut state = case.modes.state(&vec![number(&params["init_temp_K"]); case.modes.nodes()]);
        let (mut throttled, mut joules, mut throttled_s) = (false, 0.0, 0.0);
        let (mut late, mut kelvin, mut energy, mut seconds): (f64, f64, f64, f64) = (0.0, 0.0, 0.0, 0.0);
        let mut compared = 0;
        for (index, row) in workload.iter().enumerate().skip(1) {
            let asked = case.power(&workload[0][1..], &row[1..]);
            let until = workload.get(index + 1).map_or(end, |next| number(&next[0])).min(end);
            let mut now = number(&row[0]);
            while now < until {
                let mut power = asked.clone();
                if throttled {
                    scaled.iter().for_each(|block| power[*block] *= scale);
                }
                let drive = case.modes.drive(&power, ambient);
                let (threshold, rising) = if throttled { (release, false) } else { (engage, true) };
                let switch = case.modes.first_crossing(&state, &drive, sensor, threshold, rising, until - now);
                let step = switch.unwrap_or(until - now);
                case.modes.settle(&mut state, &drive, step);
                joules += power.iter().sum::<f64>() * step;
                throttled_s += if throttled { step } else { 0.0 };
                now = if switch.is_some() { now + step } else { until };
                let expected = match switch {
                    Some(_) => {
                        let expected = switches.next().unwrap_or_else(|| panic!("an invented switch at {now} s"));
                        assert_eq!(expected[1], if throttled { "release" } else { "engage" }, "at {now} s");
                        late = late.max((now - number(&expected[0])).abs());
                        throttled = !throttled;
                        expected
                    }
                    None => match segments.peek() {
                        Some(expected) if (number(&expected[0]) - now).abs() < 1e-9 => {
                            let mut expected = segments.next().unwrap();
                            expected.insert(1, String::new());
                            expected
                        }
                        _ => continue,
                    },
                };
                let temperature = case.modes.temperature(&state, sensor);
                kelvin = kelvin.max((temperature - number(&expected[2])).abs());
                energy = energy.max((joules / number(&expected[3]) - 1.0).abs());
                seconds = seconds.max((throttled_s - number(&expected[4])).abs());
                compared += 1;
            }
        }
        assert_eq!(switches.next(), None, "a missed switch");
        assert!(compared > 0);
        counted(&format!("throttle-instants/{}", case.name), compared);
        measured(&format!("throttle-switches/{}", case.name), late, "s", 1e-6);
        measured(&format!("throttle-time/{}", case.name), seconds, "s", 1e-6);
        // A switch that is a nanosecond off moves a temperature by some 1e-7 K, and the energy by 4e-7 J of 1e4.
        measured(&format!("throttle-temperature/{}", case.name), kelvin, "K", 1e-6);
        measured(&format!("throttle-energy/{}", case.name), energy, "relative", 1e-9);
    }
}
