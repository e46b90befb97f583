use isotherm_calibration::recording::Recording;
use isotherm_calibration::series::Series;
use isotherm_calibration::thermal::{check, fit};
fn main() {
    let mut all = Vec::new();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let nfit: usize = args[0].parse().unwrap();
    for f in &args[1..] {
        let r = Recording::open(f).unwrap();
        println!("{:?}", r.notes);
        let (s, faults) = Series::all(&r);
        println!("{faults:?}");
        for s in s {
            println!(
                "{} {:?} aliased {}",
                s.label(),
                s.notes,
                s.standing.iter().filter(|s| **s == isotherm_calibration::series::Standing::Aliased).count()
            );
            all.push(s);
        }
    }
    let t = std::time::Instant::now();
    let f = fit::fit(&all[..nfit], &fit::Options::default(), &|| true).unwrap();
    println!("{:.1} s", t.elapsed().as_secs_f64());
    for p in &f.parameters {
        println!("{:30} {:10.4} {} +- {:?}", p.key, p.value, p.unit, p.plus_minus);
    }
    println!("tau {:?}", f.time_constants);
    for o in &f.orders {
        println!("{} {:.3} {} {:?}", o.nodes, o.held_out_rmse, o.chosen, o.by_recording);
    }
    for n in &f.notes {
        println!("note {n}");
    }
    for s in &all {
        let c = check::track(&f.profile, s).unwrap();
        println!(
            "{} alone {:?} {:?}",
            s.label(),
            c.ambient_alone.gpu.continuous,
            c.ambient_alone.hbm.as_ref().map(|h| h.continuous)
        );
        println!("   drift {:?} {:?} {:?}", c.with_drift.gpu, c.with_drift.hbm, c.with_drift.ambient);
        println!("   {:?} {:?}", c.energy, c.clock_at_cap);
    }
}
