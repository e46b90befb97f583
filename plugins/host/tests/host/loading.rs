//! Files that are refused, each in its own words, and libraries that are opened.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use isotherm_plugin_host::{FloatControl, Functions, Item, Kind, Level, Library, RefusalKind, inspect, set_log};

use crate::build::{Libraries, words};

#[track_caller]
fn assert_refused(file: &Path, kind: RefusalKind, text: &str) {
    let refusal = Library::open(file).unwrap_err();
    assert_eq!((refusal.kind, words(&refusal).as_str()), (kind, text));
}

const HERE: &str = if cfg!(target_arch = "aarch64") { "AArch64" } else { "x86-64" };

#[test]
#[cfg(target_os = "linux")]
fn what_is_no_library_is_refused_in_words_of_its_own() {
    let Some(libraries) = Libraries::new() else { return };
    let folder = libraries.folder.path();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    let wanted = format!("expected a shared library for {HERE} on Linux (ELF)");
    let say = |found: &str, remedy: &str| format!("{found}; {wanted}; {remedy}");
    let name_it = "give the built library, for example target/release/libacme.so";
    let text = say("a.so: found a text file", name_it);
    assert_refused(&file("a.so", b"I am a text file.\n"), RefusalKind::Text, &text);
    let text = say("b.so: found an empty file", "copy or build it anew");
    assert_refused(&file("b.so", b""), RefusalKind::Empty, &text);
    let text = say("c.so: found a file of no known kind", name_it);
    assert_refused(&file("c.so", &[0xff, 0, 0xff]), RefusalKind::UnknownFormat, &text);
    let text = say(
        "d.so: found a WebAssembly module",
        "build isotherm with `--features wasm`, or build it as a native library",
    );
    assert_refused(&file("d.so", b"\0asm\x01\0\0\0"), RefusalKind::WebAssembly, &text);

    let good = fs::read(libraries.build("refused", "good", &[])).unwrap();
    let text = say("e.so: found a truncated library for Linux (ELF)", "copy or build it anew");
    for kept in [10, 64, 1000, good.len() / 2, good.len() - 1] {
        assert_refused(&file("e.so", &good[..kept]), RefusalKind::Truncated, &text);
    }
    let mut other = good.clone();
    other[18] = 243;
    let text = say("f.so: found a shared library for RISC-V 64 on Linux (ELF)", "build it on or for this computer");
    assert_refused(&file("f.so", &other), RefusalKind::OtherMachine, &text);
    let mut object = good.clone();
    object[16] = 1;
    let text = say("g.so: found an object file, not yet linked", "in Cargo.toml, crate-type = [\"cdylib\"]");
    assert_refused(&file("g.so", &object), RefusalKind::NotShared, &text);
    let mach = [&[0xcf, 0xfa, 0xed, 0xfe, 7, 0, 0, 1, 3, 0, 0, 0, 6, 0, 0, 0][..], &[0; 16]].concat();
    let text = say("h.so: found a shared library for x86-64 on macOS (Mach-O)", "build it on or for this computer");
    assert_refused(&file("h.so", &mach), RefusalKind::OtherSystem, &text);
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_refused_in_words_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_refused(
        &at("none.so"),
        RefusalKind::Missing,
        "none.so: found nothing there; expected a plugin library; check the path",
    );
    fs::create_dir(at("folder.so")).unwrap();
    let text = "folder.so: found a folder; expected a plugin library; \
                name a library in it, or put the folder into ISOTHERM_PLUGIN_PATH";
    assert_refused(&at("folder.so"), RefusalKind::Directory, text);
    std::os::unix::fs::symlink("gone.so", at("link.so")).unwrap();
    let text = "link.so: found a link to `gone.so`, where nothing is; expected a plugin library; \
                link to the library's present place or remove the link";
    assert_refused(&at("link.so"), RefusalKind::DanglingLink, text);
    let text = "null: found something that is no regular file; expected a plugin library; name a regular file";
    assert_refused(Path::new("/dev/null"), RefusalKind::NotAFile, text);
    fs::write(at("file"), "x").unwrap();
    let refusal = inspect(&at("file/below.so")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unreadable);
    assert!(words(&refusal).contains("found no way to it (Not a directory"), "{refusal}");
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.so");
    fs::write(&file, "x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&file).is_ok() {
        eprintln!("skipped: this user may read every file");
        return;
    }
    let refusal = inspect(&file).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unreadable);
    assert!(words(&refusal).starts_with("secret.so: found a file that cannot be read (Permission denied"), "{refusal}");
}

#[test]
fn libraries_that_break_the_contract_are_refused_with_what_was_found_and_what_is_needed() {
    let Some(libraries) = Libraries::new() else { return };
    let author = "this is a fault of the plugin: tell its author";
    let anew = "build it anew; label and code are of different versions";
    let later = "use a later isotherm, or";
    let sizes = |found: &str| format!("found the router `acme/small` with {found}; {author}");
    let cases: &[(&[&str], RefusalKind, String)] = &[
        (&["NO_LABEL"], RefusalKind::NoLabel, "found a shared library without a label; expected a plugin of isotherm; plugins in Rust get their label from the export macros, in C from ISOTHERM_LABEL".into()),
        (&["LABEL_ABI=\"one\""], RefusalKind::BadLabel, "found a label with the interface `one`, not two numbers such as 1.0; expected lines such as `abi 1.0`, `package acme-routers`, `version 0.3.1` and `router acme/cool-first`; build it anew with the export macros or ISOTHERM_LABEL".into()),
        (&["LABEL_ABI=\"2.0\""], RefusalKind::OtherMajor, format!("found a plugin for interface 2.0; expected one for interface 1.0 to 1.1, which this isotherm has; {later} a version of the plugin for this one")),
        (&["LABEL_ABI=\"1.7\""], RefusalKind::NewerMinor, format!("found a plugin for interface 1.7; expected at most 1.1, which this isotherm has; {later} an earlier version of the plugin")),
        (&["ABI_MAJOR=0"], RefusalKind::OtherMajor, "found a plugin for interface 0.0; expected one for interface 1.0 to 1.1, which this isotherm has; ask for a newer version of the plugin, or build it anew".into()),
        (&["ABI_MINOR=3"], RefusalKind::NewerMinor, format!("found a plugin for interface 1.3; expected at most 1.1, which this isotherm has; {later} an earlier version of the plugin")),
        (&["ENTRY=acme_entry"], RefusalKind::NoEntry, "found a label, but no function `isotherm_plugin_v1`; expected `isotherm_plugin_v1` to be exported; export the function; linkers and `strip` may have dropped it".into()),
        (&["ANSWERS_NULL"], RefusalKind::EntryNull, "found that the plugin refuses interface 1.1: its entry function answered null; expected a table of what it offers; its messages above may say why; ask for a version for this isotherm".into()),
        (&["FACTORY_SIZE=16"], RefusalKind::BadTable, format!("found factory 0 of 16 bytes; expected at least 32 bytes; {author}")),
        (&["TABLE_SIZE=24"], RefusalKind::BadTable, sizes("a table of functions of 24 bytes; expected at least 72 bytes")),
        (&["NO_ROUTE"], RefusalKind::BadTable, sizes("no function `route`; expected one")),
        (&["SAVE_ALONE"], RefusalKind::BadTable, sizes("save and no restore; expected both functions or neither")),
        (&["FACTORIES=3"], RefusalKind::BadTable, format!("found factory 1 at 0x0; expected a factory; {author}")),
        (&["NO_LIST"], RefusalKind::BadTable, format!("found 1 factories at 0x0; expected a list of what it offers; {author}")),
        (&["NAME=\"Small\""], RefusalKind::BadTable, format!("found factory 0 with the name `Small`; expected lower-case letters, digits and hyphens around one slash, such as `acme/cool-first`; {author}")),
        (&["TWICE", "FACTORIES=2"], RefusalKind::BadTable, format!("found the router `acme/small` twice; expected every name once; {author}")),
        (&["MANIFEST=\"[1\""], RefusalKind::BadTable, format!("found a manifest that is none (invalid type: integer `1`, expected a string at line 1 column 2); expected a JSON object; {author}")),
        (&["MANIFEST=\"{\\\"version\\\": \\\"0.4\\\"}\""], RefusalKind::LabelMismatch, format!("found version 0.4; expected version 0.3.1, as its label says; {anew}")),
        (&["NAME=\"acme/other\""], RefusalKind::LabelMismatch, format!("found no router `acme/small`; expected the router `acme/small` of its label; {anew}")),
        (&["LABEL_ITEMS=\"router acme/small\\ntelemetry acme/x\\n\""], RefusalKind::LabelMismatch, format!("found no telemetry source `acme/x`; expected the telemetry source `acme/x` of its label; {anew}")),
    ];
    for (index, (macros, kind, text)) in cases.iter().enumerate() {
        let name = format!("case{index}");
        let file = libraries.build("refused", &name, macros);
        let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert_refused(&file, *kind, &format!("{file_name}: {text}"));
    }
    // The address stands in it, too.
    let refusal = Library::open(&libraries.build("refused", "small", &["PLUGIN_SIZE=16"])).unwrap_err();
    assert!(refusal.found.starts_with("a plugin table of 16 bytes at 0x"), "{refusal}");
    assert_eq!(refusal.expected, "at least 40 bytes, aligned");
}

#[test]
#[cfg(target_os = "linux")]
fn what_the_systems_loader_misses_is_named() {
    let Some(libraries) = Libraries::new() else { return };
    let refusal = Library::open(&libraries.build("refused", "needy", &["UNDEFINED"])).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::OpenFailed);
    let start = "needy.so: found a library that the system cannot load (undefined symbol: acme_nowhere); \
                 expected one whose needs are met on this computer; install or build what it needs; `ldd ";
    assert!(words(&refusal).starts_with(start), "{refusal}");
}

#[test]
fn a_library_is_opened_once_and_shows_what_it_offers() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("refused", "opened", &["WITH_LATER", "FACTORIES=2"]);
    let library = Library::open(&file).unwrap();
    let item = Item { kind: Kind::Router, name: "acme/small".into() };
    assert!(matches!(library.functions(&item), Some(Functions::Router(_))));
    assert_eq!(library.offers().len(), 1, "what a later interface has brought is passed over");
    assert_eq!((library.manifest().license.as_str(), library.label().version.as_str()), ("MIT", "0.3.1"));
    assert!(library.title().starts_with("acme 0.3.1 (opened."), "{}", library.title());
    assert_eq!(library.inspection().sha256.len(), 64);
    let relative = libraries.folder.path().join(".").join(file.file_name().unwrap());
    assert!(std::ptr::eq(library, Library::open(&relative).unwrap()), "the same file is the same library");
}

#[test]
fn threads_that_open_it_at_once_get_the_same_library() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("refused", "shared", &[]);
    let open = || std::ptr::from_ref(Library::open(&file).unwrap()).addr();
    let opened: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(opened.iter().all(|address| *address == opened[0]));
}

static SAID: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

#[test]
fn a_changed_control_word_is_put_back_and_messages_arrive_with_the_name() {
    let Some(libraries) = Libraries::new() else { return };
    set_log(|level, plugin, message| SAID.lock().unwrap().push((level, plugin.to_owned(), message.to_owned())));
    let before = FloatControl::read();
    Library::open(&libraries.build("refused", "fast", &["CONTROL_WORD", "SAYS=\"hello\""])).unwrap();
    assert_eq!(FloatControl::read(), before);
    assert!(f32::MIN_POSITIVE * std::hint::black_box(0.5) > 0.0, "subnormal numbers are numbers again");
    let said: Vec<_> = SAID.lock().unwrap().iter().filter(|said| said.1.contains("(fast.")).cloned().collect();
    let [changed, hello] = said.as_slice() else { panic!("{said:?}") };
    assert!(changed.2.starts_with("loading it changed how this thread computes with floating-point numbers"));
    assert_eq!((hello.0, hello.2.as_str()), (Level::Warning, "hello"));
    assert!(hello.1.starts_with("acme 0.3.1 (fast."));
}
