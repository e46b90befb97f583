//! What the library answers when it is opened.

use std::ptr;
use std::sync::Mutex;

use isotherm_plugin::abi::{
    ABI_MAJOR, ABI_MINOR, Factory, Host, LOAD, PLACEMENT, Plugin, ROUTER, TELEMETRY, label::MAGIC,
};
use isotherm_plugin::{Level, log, serde_json};

use crate::host::{HOST, SAID, enter, factories, read};

/// Hosts live as long as the process, also those that are refused.
static HOSTS: Mutex<Vec<&Host>> = Mutex::new(Vec::new());

fn other(host: impl FnOnce(&mut Host)) -> *const Plugin {
    let mut changed = Host { ctx: ptr::null_mut(), ..HOST };
    host(&mut changed);
    let host: &'static Host = Box::leak(Box::new(changed));
    HOSTS.lock().unwrap().push(host);
    enter(host)
}

#[test]
fn a_host_that_does_not_fit_is_refused() {
    assert!(enter(ptr::null()).is_null());
    assert!(other(|host| host.abi_major = ABI_MAJOR + 1).is_null());
    assert!(other(|host| host.struct_size -= 8).is_null());
    assert!(!other(|host| host.abi_minor = ABI_MINOR + 1).is_null());
    assert!(!other(|host| host.struct_size += 8).is_null(), "a newer host knows more");
}

#[test]
fn the_answer_is_always_the_same() {
    let plugin = enter(&HOST);
    assert!(ptr::eq(plugin, enter(&HOST)));
    let plugin = unsafe { &*plugin };
    assert_eq!(plugin.struct_size as usize, size_of::<Plugin>());
    assert_eq!((plugin.abi_major, plugin.abi_minor), (ABI_MAJOR, ABI_MINOR));
    let offered: Vec<(u32, String)> = factories().iter().map(|f| (f.kind, unsafe { read(f.name) })).collect();
    let expected = [
        (ROUTER, "test/probe"),
        (TELEMETRY, "test/drifting"),
        (PLACEMENT, "test/all-on"),
        (LOAD, "test/pretended"),
        (ROUTER, "test/first-experts"),
        (ROUTER, "test/second-experts"),
    ];
    assert_eq!(offered, expected.map(|(kind, name)| (kind, name.to_owned())));
    assert!(factories().iter().all(|factory| factory.struct_size as usize == size_of::<Factory>()));
}

#[test]
fn the_manifest_is_made_of_the_package_and_the_docs() {
    let manifest = unsafe { read((*enter(&HOST)).manifest) };
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["license"], "MIT OR Apache-2.0");
    assert_eq!(manifest["panic"], "unwind");
    assert_eq!(manifest.get("homepage"), None, "the package has none");
    let [probe, drifting, all_on, pretended, first, second] = &manifest["items"].as_array().unwrap()[..] else {
        panic!("{manifest}")
    };
    assert_eq!(probe["kind"], "router");
    assert_eq!(probe["summary"], "Does as it is told.");
    assert_eq!(probe["docs"], "Does as it is told.\n\nAnd remembers what it was shown.");
    assert_eq!(probe["example"], serde_json::json!({}), "all options have defaults");
    let options = &probe["options"];
    assert_eq!(options["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(options["properties"]["price"]["description"], "Price of expert 0 (nats).");
    assert_eq!(options["additionalProperties"], false);
    assert_eq!(options["properties"].get("seen"), None, "what is remembered is no option");
    assert_eq!((&drifting["kind"], drifting.get("example")), (&"telemetry".into(), None), "an option must be given");
    assert_eq!(all_on["kind"], "placement");
    assert_eq!((&pretended["kind"], &pretended["summary"]), (&"load".into(), &"Takes as long as it is told.".into()));
    assert_eq!((first.get("options"), &first["example"]), (None, &serde_json::json!({})));
    assert_eq!(second["example"], serde_json::json!({ "from": 1 }));
}

#[test]
fn what_a_plugin_says_goes_to_the_host() {
    enter(&HOST);
    log(Level::Warning, "gpu 3 is silent");
    assert!(SAID.lock().unwrap().contains(&(2, "gpu 3 is silent".to_owned())));
}

#[cfg_attr(miri, ignore = "reads the file of this program, which Miri has none of")]
#[test]
fn the_label_is_in_the_file() {
    let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // The two halves stand in this test as well, where a linker may lay them side by side; what follows them then is no label.
    let begin = format!("{}abi {ABI_MAJOR}.{ABI_MINOR}\n", MAGIC.concat());
    let places: Vec<usize> =
        (0..file.len() - begin.len()).filter(|at| file[*at..].starts_with(begin.as_bytes())).collect();
    assert_eq!(places.len(), 1, "once");
    let label = file[places[0] + MAGIC.concat().len()..].split(|byte| *byte == 0).next().unwrap();
    let expected = format!(
        "abi {ABI_MAJOR}.{ABI_MINOR}\npackage isotherm-plugin\nversion {}\nrouter test/probe\ntelemetry test/drifting\n\
         placement test/all-on\nload test/pretended\nrouter test/first-experts\nrouter test/second-experts\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(String::from_utf8_lossy(label), expected);
}
