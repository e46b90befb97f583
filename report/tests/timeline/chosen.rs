//! Which runs a timeline shows.

use isotherm_report::results::Results;
use isotherm_report::timeline::Choice;

use crate::folder;

fn among(choice: &Choice) -> Result<Vec<usize>, String> {
    let folder = folder::whole(1, 100);
    choice.among(&Results::open(folder.path()).unwrap()).map_err(|error| error.to_string())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_first_seed_of_every_router_if_nothing_is_asked_for() {
    assert_eq!(among(&Choice::default()), Ok(vec![0, 1]));
    assert_eq!(among(&Choice { seed: some("1"), ..Choice::default() }), Ok(vec![2, 3]));
    assert_eq!(among(&Choice { router: some("penalty"), ..Choice::default() }), Ok(vec![1]));
    assert_eq!(
        among(&Choice { point: some(" router.lambda=0.1 "), seed: some("1"), ..Choice::default() }),
        Ok(vec![3])
    );
    assert_eq!(among(&Choice { run: some("0000000000000002"), ..Choice::default() }), Ok(vec![2]));
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let said = among(&Choice { router: some("penalti"), ..Choice::default() }).unwrap_err();
    assert!(said.contains("`penalti`") && said.contains("there is `baseline`, `penalty`"), "{said}");
    let said = among(&Choice { seed: some("7"), ..Choice::default() }).unwrap_err();
    assert!(said.contains("seed `7`") && said.contains("`0`, `1`"), "{said}");
    let said = among(&Choice { run: some("0000"), ..Choice::default() }).unwrap_err();
    assert!(said.contains("4 runs have an id that begins with `0000`"), "{said}");
    let said = among(&Choice { point: some("router.lambda=0.2"), ..Choice::default() }).unwrap_err();
    assert!(said.contains("`router.lambda=0.1`"), "{said}");
}
