//! The load as isotherm sees it: linked in, and as a library through the host.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::PathBuf;

use isotherm_load::{Experts, On, Precision};
use isotherm_plugin::prelude::*;
use isotherm_plugin_host::{Discovery, Environment, Places, Plugins, inspect};

/// A small layer on two threads of the processor.
fn shape() -> LoadShape {
    LoadShape { devices: vec![0, 1], experts: 4, top_k: 2, d_model: 32, d_ff: 48, matrices: 3 }
}

fn on_the_processor() -> Experts {
    Experts { device: On::Cpu, ..Experts::default() }
}

/// The library that this package's build has made, beside this test.
fn library() -> PathBuf {
    let name = format!("{}isotherm_load{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let folders = std::env::current_exe().unwrap();
    let found = folders.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|file| file.exists());
    found.unwrap_or_else(|| panic!("`{name}` is not beside this test"))
}

/// What every form of the load must do.
fn check(load: &mut dyn Load) {
    assert_eq!(load.devices(), ["processor (as GPU 0)", "processor (as GPU 1)"]);
    let experts = |list: &[(u32, u32)]| list.iter().map(|(expert, n)| (ExpertId(*expert), *n)).collect::<Share>();
    let mut seconds = [f64::NAN; 2];
    load.execute(&[experts(&[(0, 3), (2, 70)]), experts(&[(1, 1)])], &mut seconds).unwrap();
    assert!(seconds.iter().all(|seconds| *seconds > 0.0 && seconds.is_finite()), "{seconds:?}");
    load.execute(&[Share::new(), experts(&[(3, 5)])], &mut seconds).unwrap();
    assert!(seconds[0] == 0.0 && seconds[1] > 0.0, "{seconds:?}");
    load.execute(&[Share::new(), Share::new()], &mut seconds).unwrap();
    assert_eq!(seconds, [0.0; 2], "nothing to do takes no time");

    let mut said = |shares: &[Share], seconds: &mut [f64]| match load.execute(shares, seconds).unwrap_err() {
        LoadError::Failed(message) => message,
        other => panic!("{other:?}"),
    };
    let wrong = said(&[experts(&[(0, 1), (4, 9)]), Share::new()], &mut seconds);
    assert!(wrong.contains("GPU 0") && wrong.contains("experts below 4"), "{wrong}");
    let none = said(&[Share::new(), experts(&[(1, 0)])], &mut seconds);
    assert!(none.contains("GPU 1") && none.contains("at least"), "{none}");
    let few = said(&[Share::new()], &mut seconds);
    assert!(few.contains("1 shares and 2 times") && few.contains("2 GPUs"), "{few}");
    let short = said(&[Share::new(), Share::new()], &mut seconds[..1]);
    assert!(short.contains("2 shares and 1 times"), "{short}");

    load.execute(&[experts(&[(0, 1)]), experts(&[(0, 1)])], &mut seconds).unwrap();
    assert!(seconds.iter().all(|seconds| *seconds > 0.0), "what was refused has left nothing behind");
}

#[test]
fn linked_in_it_executes_shares() {
    check(&mut *on_the_processor().build(&shape()).unwrap());
    let two = LoadShape { matrices: 2, ..shape() };
    check(&mut *on_the_processor().build(&two).unwrap());
}

#[test]
fn as_a_library_it_executes_shares_by_file_and_by_name() {
    let (file, options) = (library(), r#"{"device": "cpu", "seed": 3}"#);
    let named = [file.clone()];
    let places = Places { named: &named, scenario: None, environment: &Environment::default() };
    let plugins = Plugins::new(Discovery::search(&places));
    check(&mut *plugins.load("isotherm/experts", &shape(), options).unwrap());
    let [used] = &plugins.used()[..] else { panic!("one thing was used") };
    assert_eq!(
        (used.item.name.as_str(), used.abi, used.package.as_str()),
        ("isotherm/experts", (1, 1), "isotherm-load")
    );
    assert_eq!(used.sha256, inspect(&file).unwrap().sha256);

    let by_file = Plugins::default();
    check(&mut *by_file.load(file.to_str().unwrap(), &shape(), options).unwrap());
    assert_eq!(by_file.used().len(), 1);
}

#[test]
fn a_library_says_which_option_is_wrong() {
    let file = library();
    let said = |options: &str| {
        let error = Plugins::default().load(file.to_str().unwrap(), &shape(), options).err().unwrap();
        assert!(matches!(error, LoadError::Unfit(_)), "{error:?}");
        error.to_string()
    };
    let dtype = said(r#"{"dtype": "f16"}"#);
    assert!(dtype.contains("`isotherm/experts`") && dtype.contains("/dtype") && dtype.contains("`f16`"), "{dtype}");
    let unknown = said(r#"{"sed": 1}"#);
    assert!(unknown.contains("unknown field `sed`") && unknown.contains("`seed`"), "{unknown}");
    assert!(said("7").contains("options are a JSON object"));
    let bf16 = said(r#"{"device": "cpu", "dtype": "bf16"}"#);
    assert!(bf16.contains("multiplies no bf16"), "{bf16}");
}

#[test]
fn what_cannot_be_made_says_why() {
    let said = |options: &Experts, shape: &LoadShape| match options.build(shape).err().unwrap() {
        LoadError::Unfit(message) => message,
        other => panic!("{other:?}"),
    };
    let options = on_the_processor();
    for wrong in [
        LoadShape { devices: vec![], ..shape() },
        LoadShape { experts: 0, ..shape() },
        LoadShape { d_ff: 0, ..shape() },
        LoadShape { matrices: 4, ..shape() },
    ] {
        let message = said(&options, &wrong);
        assert!(message.contains("expected sizes of at least 1, and 2 or 3 matrices"), "{message}");
    }
    let huge = LoadShape { experts: 4096, d_model: 1 << 20, d_ff: 1 << 20, ..shape() };
    let message = said(&options, &huge);
    assert!(message.contains("GB, which the system does not have"), "{message}");
    let message = said(&Experts { dtype: Precision::Bf16, ..options }, &shape());
    assert!(message.contains("expected dtype = \"f32\""), "{message}");
}

/// Where there is no GPU with this number, that is what is said, whatever the library was built with.
#[test]
fn a_gpu_that_is_not_there_is_an_error() {
    let shape = LoadShape { devices: vec![4000], ..shape() };
    let error = Experts { device: On::Cuda, ..Experts::default() }.build(&shape).err().unwrap().to_string();
    let expected =
        if cfg!(feature = "cuda") { "CUDA device" } else { "was built without CUDA; build it with `cargo build" };
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_file_that_offers_no_load_is_not_opened() {
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let error = Plugins::default().load(text, &shape(), "{}").err().unwrap().to_string();
    assert!(error.contains("found a text file; expected a shared library"), "{error}");
    let error = Plugins::default().load("isotherm/experts", &shape(), "{}").err().unwrap().to_string();
    assert!(error.starts_with("no plugin offers the load `isotherm/experts`"), "{error}");
}
