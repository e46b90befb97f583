//! The promise of the interface: a library built for 1.0 works in this isotherm. It was built once and is kept with its source.

use super::built::{c_library, has_c_compiler};
use crate::lab::{announce, from_text, isotherm, root, run, small, text};

const HERE: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

#[test]
fn a_library_built_for_interface_1_0_gives_what_its_source_gives_today() {
    if !HERE {
        announce(
            "a_library_built_for_interface_1_0_gives_what_its_source_gives_today: skipped, it is for Linux on x86-64",
        );
        return;
    }
    let kept = root().join("tests/fixtures/plugins/abi-1.0");
    let old = kept.join("greedy-x86_64-linux.so");
    assert_eq!(isotherm_plugin_host::inspect(&old).unwrap().label.abi, (1, 0));
    let (code, out, err) = text(&isotherm(root(), &["plugin", "check", old.to_str().unwrap()]));
    assert_eq!(code, 0, "{out}\n{err}");
    let results = |library: &std::path::Path| {
        let routers = "[[router]]\nkind = \"example/c-greedy\"\nmargin = 0.7\n";
        let completed =
            run(&from_text(&format!("plugins = [{:?}]\n{}", library.display().to_string(), small(routers))));
        serde_json::to_string(&completed.summary.rows).unwrap()
    };
    let found = results(&old);
    assert!(found.contains("example/c-greedy"));
    if has_c_compiler("the kept library against its source") {
        let folder = tempfile::tempdir().unwrap();
        let sources = ["library.c", "options.c", "router.c"].map(|file| kept.join(file));
        assert_eq!(found, results(&c_library(folder.path(), "greedy_now", &sources)));
    }
}
