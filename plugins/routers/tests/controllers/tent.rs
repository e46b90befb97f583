//! `tent`: sharpens, and nothing else.

use isotherm_routers::Tent;

use crate::bench::{build, gate, refusal, serve, view_at};

#[test]
fn it_sharpens_the_gate_until_it_is_reset_whatever_the_costs() {
    let gate = gate(2, 8, 2, 400);
    let entropies = |costs: &[f64]| -> Vec<f64> {
        let mut router = build(&Tent { reset: 20, ..Tent::new(0.5) }, 8, 2);
        (0..40)
            .map(|batch| serve(router.as_mut(), &gate, &view_at(batch, 0.0), costs).gate.unwrap().entropy_nats)
            .collect()
    };
    let found = entropies(&[1.0; 8]);
    assert!(found[..20].windows(2).all(|pair| pair[1] < pair[0]), "{found:?}");
    assert_eq!(found[..20], found[20..]);
    assert_eq!(found, entropies(&[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.0, 2.0]), "costs are not looked at");
}

#[test]
fn no_step_is_the_baseline() {
    let mut router = build(&Tent::new(0.0), 8, 2);
    for batch in 0..5 {
        let gate = gate(batch, 8, 2, 50);
        assert_eq!(&serve(router.as_mut(), &gate, &view_at(batch, 0.0), &[1.0; 8]), gate.reference());
    }
    assert!(refusal(&Tent::new(-1.0)).contains("`eta`"));
}
