//! Reading goes on after a fault, so that all are found in one go, and it always ends.

use proptest::prelude::*;

use super::*;

#[test]
fn all_missing_keys_are_reported_not_only_the_first() {
    let outcome = read("[model]\n[[router]]\nkind = 'energy-penalty'\n");
    assert_eq!(
        outcome.lines(),
        [
            "1:1 model.experts missing key `experts` in `model`",
            "1:1 model.scale missing key `scale` in `model`",
            "1:1 model.top_k missing key `top_k` in `model`",
            "1:1 schema_version missing key `schema_version`",
            "2:1 router[0].lambda missing key `lambda` in `router[0]`",
        ]
    );
}

#[test]
fn a_key_that_no_reader_wants_is_a_fault_even_where_the_type_would_ignore_it() {
    let text = "schema_version = 1\nmodel = { experts = 1, top_k = 1, scale = 1 }\n\
                [[router]]\nkind = 'top-k'\nlambda = 1\n[[router]]\nkind = 'lenient'\neat = 1\n";
    assert_eq!(
        read(text).lines(),
        ["5:1 router[0].lambda unknown key `lambda`", "8:1 router[1].eat unknown key `eat`"]
    );
}

#[test]
fn a_setting_under_two_names_points_to_the_second() {
    let text = VALID.replace("lambda = 0.5", "lambda = 0.5\nlambda_energy = 0.1");
    assert_eq!(read(&text).lines(), ["14:1 router[1].lambda_energy `lambda` is given twice, under two names"]);
}

#[test]
fn a_float_for_a_whole_number_shows_the_whole_number() {
    let outcome = read(&VALID.replace("experts = 8", "experts = 8.0"));
    assert!(outcome.text().contains("help: write `8`"), "{}", outcome.text());
    let outcome = read(&VALID.replace("experts = 8", "experts = 8.5"));
    assert!(!outcome.text().contains("help"), "{}", outcome.text());
}

#[test]
fn whole_numbers_become_floats_only_without_loss() {
    let outcome = read(&VALID.replace("scale = 1 ", "scale = 9007199254740993 "));
    assert_eq!(outcome.faults.iter().next().map(|fault| fault.kind), Some(FaultKind::OutOfRange));
    assert!(read(&VALID.replace("scale = 1 ", "scale = 9007199254740992 ")).scenario.is_some());
}

#[test]
fn numbers_that_are_not_finite_are_reported_once() {
    let outcome = read(&VALID.replace("lambda = 0.5", "lambda = nan").replace("hot = 2.0", "hot = -inf"));
    assert_eq!(
        outcome.lines(),
        [
            "13:10 router[1].lambda `lambda` must be finite, found `nan`",
            "21:7 cost.table.hot `hot` must be finite, found `-inf`",
        ]
    );
}

#[test]
fn two_syntax_faults_are_both_reported() {
    let outcome = read("a = = 1\nb = 2\nc = 'x\n");
    assert!(outcome.scenario.is_none());
    let lines: Vec<_> = outcome.lines().iter().map(|line| line[..1].to_owned()).collect();
    assert!(lines.contains(&"1".to_owned()) && lines.contains(&"3".to_owned()), "{}", outcome.text());
    assert!(outcome.faults.iter().all(|fault| fault.kind == FaultKind::Syntax));
}

#[test]
fn columns_count_characters_and_crlf_changes_nothing() {
    let text = "cost = { \"tâblé\" = 1 }\nmodel = { \"é\" = 1, experts = 'ü' }\n";
    let unix = read(text).lines();
    assert!(unix.contains(&"1:10 cost.\"tâblé\" unknown value `tâblé` for `cost`".to_owned()), "{unix:?}");
    assert!(
        unix.contains(&"2:30 model.experts wrong type for `experts`: found the string \"ü\"".to_owned()),
        "{unix:?}"
    );
    assert_eq!(read(&text.replace('\n', "\r\n")).lines(), unix);
    assert!(!read(&text.replace('\n', "\r\n")).text().contains('\r'));
}

#[test]
fn an_assignment_from_the_command_line_is_blamed_as_typed() {
    let outcome = read_with(
        &VALID.replace("kind = \"top-k\"", "kind = \"energy-penalty\"\nlambda = 1"),
        &["router.lambda=abc", "model.experts=16"],
    );
    assert_eq!(outcome.faults.len(), 2);
    assert_eq!(
        outcome.text().split("\n\n").next().unwrap(),
        "\
error: wrong type for `lambda`: found the string \"abc\"
 --> --set router.lambda=abc
  = expected a number
  = example: lambda = 0.1"
    );
}

#[test]
fn a_misspelt_assignment_is_an_unknown_key() {
    let outcome = read_with(VALID, &["model.expert=16", "model.top_k.x=1"]);
    let text = outcome.text();
    assert!(text.contains("--set model.expert=16") && text.contains("did you mean `experts`?"), "{text}");
    assert!(text.contains("`model.top_k.x` cannot be set: it leads through a whole number"), "{text}");
}

#[test]
fn a_date_is_refused() {
    let outcome = read(&VALID.replace("experts = 8", "experts = 2026-11-22"));
    assert_eq!(outcome.lines(), ["5:11 model.experts wrong type for `experts`: found a date"]);
}

#[test]
fn a_check_of_meaning_points_to_the_value_or_its_nearest_ancestor() {
    let mut sources = SourceMap::new();
    let file = sources.add("s.toml", VALID);
    let mut faults = Faults::new();
    let tree = Tree::parse(&sources, file, &mut faults).unwrap();
    faults.push_at("model.top_k", &tree, "top_k > experts", "at most 8", "");
    faults.push_at("router[1].prices.tau", &tree, "no tau", "", "");
    let text = faults.render(&sources);
    assert!(text.contains("s.toml:6:9") && text.contains("s.toml:16:1"), "{text}");
}

#[test]
fn an_extending_file_is_blamed_for_its_own_keys() {
    let mut sources = SourceMap::new();
    let base = sources.add("base.toml", VALID);
    let over = sources.add("over.toml", "[model]\nexperts = 'x'\ntop_q = 1\n");
    let mut faults = Faults::new();
    let mut tree = Tree::parse(&sources, base, &mut faults).unwrap();
    tree.overlay(Tree::parse(&sources, over, &mut faults).unwrap());
    assert!(deserialize::<Scenario>(tree.root(), "", &mut faults).is_none());
    let text = faults.render(&sources);
    assert!(text.contains("over.toml:2:11") && text.contains("over.toml:3:1"), "{text}");
    assert_eq!(faults.len(), 2, "{text}");
}

/// A plugin that holds another, and an option that checks itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fallback {
    inner: Box<dyn Router>,
    share: Share,
}

#[typetag::deserialize(name = "fallback")]
impl Router for Fallback {
    fn lambda(&self) -> f64 {
        self.inner.lambda() * self.share.0
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Share(f64);

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(format!("`{share}` is not a share; expected a number from 0 to 1, for example 0.5"))
        }
    }
}

#[test]
fn a_plugin_inside_of_a_plugin_is_searched_too() {
    let text = "[router]\nkind = 'fallback'\nshare = 1.5\n[router.inner]\nlamda = true\nkind = 'energy-penalty'\n\
                [router.inner.prices]\ntiers = [{ joules = 1, count = 1.0 }]\n";
    let mut sources = SourceMap::new();
    let file = sources.add("s.toml", text);
    let mut faults = Faults::new();
    let tree = Tree::parse(&sources, file, &mut faults).unwrap();
    let node = tree.at("router").unwrap();
    assert!(deserialize::<Box<dyn Router>>(node, "router", &mut faults).is_none());
    faults.sort();
    let outcome = Outcome { scenario: None, faults, sources };
    assert_eq!(
        outcome.lines(),
        [
            "3:9 router.share `1.5` is not a share",
            "5:1 router.inner.lamda unknown key `lamda`",
            "8:32 router.inner.prices.tiers[0].count wrong type for `count`: found the number `1.0`",
        ]
    );
    assert!(outcome.text().contains("^^^ expected a number from 0 to 1\n  |\n  = example: share = 0.5"));
}

#[test]
fn a_bad_sweep_point_names_its_axis() {
    let mut sources = SourceMap::new();
    let file = sources.add("s.toml", VALID);
    let mut faults = Faults::new();
    let mut tree = Tree::parse(&sources, file, &mut faults).unwrap();
    let axis = "model.experts";
    let origin = Origin::Sweep { axis: axis.to_owned() };
    tree.set(&axis.parse().unwrap(), 1.5.into(), origin).unwrap();
    assert!(deserialize::<Scenario>(tree.root(), "", &mut faults).is_none());
    assert!(faults.render(&sources).contains("--> sweep axis `model.experts`"));
}

#[test]
fn hundreds_of_faults_end_in_reasonable_time() {
    let unknown: String = (0..2_000).map(|i| format!("key{i} = 1\n")).collect();
    let outcome = read(&format!("{unknown}{VALID}"));
    assert!(outcome.scenario.is_none() && outcome.faults.len() >= 100);
}

/// Reads whatever it is given; the only claim is that this ends, without a panic, in a scenario or in faults.
fn survives(text: &str) {
    let outcome = read(text);
    assert_eq!(outcome.scenario.is_none(), !outcome.faults.is_empty(), "{text:?}\n{}", outcome.text());
    let _ = outcome.text();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_damage_to_a_scenario_is_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, "[a-z0-9=.\"'\\[\\]{} \n#é-]{0,4}"), 1..6)
    ) {
        let mut chars: Vec<char> = VALID.chars().collect();
        for (at, len, insert) in edits {
            let at = at.index(chars.len());
            let end = (at + len).min(chars.len());
            chars.splice(at..end, insert.chars());
            if chars.is_empty() {
                break;
            }
        }
        survives(&chars.into_iter().collect::<String>());
    }

    /// Damage that leaves the syntax alone reaches the reader every time.
    #[test]
    fn any_swap_of_values_is_read_or_refused(
        swaps in prop::collection::vec((0usize..24, prop::sample::select(vec![
            "1", "-1", "1.5", "true", "'x'", "[]", "[1]", "[{}]", "{}", "{ kind = 'top-k' }", "{ kind = 1 }",
            "nan", "1979-05-27", "{ table = 1, device = 2 }", "9223372036854775807", "'device'",
        ])), 1..5)
    ) {
        let mut lines: Vec<String> = VALID.lines().map(str::to_owned).collect();
        for (at, value) in swaps {
            if let Some(line) = lines.get_mut(at)
                && let Some((key, _)) = line.clone().split_once('=')
            {
                *line = format!("{key}= {value}");
            }
        }
        survives(&lines.join("\n"));
    }
}
