//! The committed header is C99 and C++17, keeps its promises, and lays structs out as Rust does.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use isotherm_plugin_abi as abi;

const COMPILERS: [(&str, &[&str]); 2] = [("cc", &["-xc", "-std=c99"]), ("c++", &["-xc++", "-std=c++17"])];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compiles `source` with all warnings as errors; what the compiler says if it does not like it.
fn compile(compiler: &str, language: &[&str], source: &Path, more: &[&str]) {
    let done = Command::new(compiler)
        .args(language)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(root().join("plugins/abi/include"))
        .arg(source)
        .args(more)
        .output()
        .expect("a C and a C++ compiler are installed");
    assert!(done.status.success(), "{compiler} {language:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn the_header_alone_is_c99_and_cpp17() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("alone.c");
    // Twice, for the guard; a declaration, for C knows no empty file.
    let twice = "#include \"isotherm_plugin.h\"\n#include \"isotherm_plugin.h\"\nextern int nothing;\n";
    std::fs::write(&file, twice).expect("the source");
    for (compiler, language) in COMPILERS {
        compile(compiler, language, &file, &["-fsyntax-only"]);
    }
}

/// The label stands in the library in one piece, even where the linker drops what nobody refers to.
#[test]
fn a_small_user_keeps_its_label_in_both_languages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("user.so");
    let source = root().join("tests/fixtures/plugins/header_user.c");
    let output = library.to_str().expect("a plain path");
    for (compiler, language) in COMPILERS {
        let release = ["-shared", "-fPIC", "-O2", "-fdata-sections", "-Wl,--gc-sections", "-o", output];
        compile(compiler, language, &source, &release);
        let bytes = std::fs::read(&library).expect("the library");
        let label = format!(
            "{}abi {}.{}\npackage header-user\nversion 1.2.3\nrouter user/a\ntelemetry user/b\nplacement user/c\n\
             load user/d\n\0",
            abi::label::MAGIC.concat(),
            abi::ABI_MAJOR,
            abi::ABI_MINOR
        );
        assert_eq!(bytes.windows(label.len()).filter(|w| *w == label.as_bytes()).count(), 1, "{compiler}");
        assert!(bytes.windows(abi::ENTRY.len()).any(|w| w == abi::ENTRY.as_bytes()), "{compiler}");
    }
}

/// Asserts in C of sizes and offsets as Rust has them. The patterns name every field: one that is missing here does not compile.
macro_rules! layout {
    ($($type:ident { $($field:ident),* $(,)? })*) => {{
        let mut asserts = String::new();
        $({
            #[expect(dead_code, reason = "it is there to be compiled")]
            fn complete(abi::$type { $($field: _),* }: &abi::$type) {}
            let name = concat!("Isotherm", stringify!($type));
            let size = size_of::<abi::$type>();
            let _ = writeln!(asserts, "LIKE_RUST(sizeof({name}) == {size});");
            $(
                let (field, at) = (stringify!($field), std::mem::offset_of!(abi::$type, $field));
                let _ = writeln!(asserts, "LIKE_RUST(offsetof({name}, {field}) == {at});");
            )*
        })*
        asserts
    }};
}

fn asserts_of_layout() -> String {
    layout! {
        Str { ptr, len }
        Sink { ctx, write }
        ErrorSink { ctx, report }
        Host { struct_size, abi_major, abi_minor, ctx, log, get_extension }
        Plugin { struct_size, abi_major, abi_minor, manifest, factory_count, factories }
        Factory { struct_size, kind, name, vtable }
        RouterContext {
            struct_size, flags, experts, top_k, layer, devices, floor, combine, seed, declared_costs, similarity,
            similarity_charge, copy_first, copy_device, kelvin_per_watt, time_constant_s, ambient_degc, idle_w,
        }
        Batch {
            struct_size, flags, tokens, experts, top_k, batch, layer, devices, now_ns, revision, logits,
            reference_experts, reference_weights, reference_counts, row_max, top_mass, top_probability,
            mean_probability, entropy_nats, log_sum_exp, declared_costs, true_costs, sample_taken_ns,
            sample_temperature_degc, sample_power_w, copy_first, copy_device, source_devices, sources,
            devices_per_node,
        }
        Decision {
            struct_size, form, flags, feasibility, experts, weights, counts, scores, prices, entropy_nats,
            log_sum_exp, kl_nats, operations_per_token,
        }
        Feedback { struct_size, experts, batch, layer, now_ns, assignments, joules, seconds }
        RouterTraits { struct_size, flags }
        RouterV1 { struct_size, flags, configure, create, destroy, route, feedback, save, restore, get_extension }
        TelemetryTraits { struct_size, prescribes_temperature, period_ns }
        TelemetryContext { struct_size, devices, seed }
        Poll { struct_size, devices, now_ns, true_temperature_degc, true_power_w }
        Samples { struct_size, devices, taken_ns, temperature_degc, power_w }
        TelemetryV1 { struct_size, flags, configure, create, destroy, sample, save, restore, get_extension }
        PlacementTraits { struct_size, rebalance_every_batches }
        PlacementContext {
            struct_size, experts, devices, devices_per_node, loads, speeds, joules, sample_taken_ns,
            sample_temperature_degc, sample_power_w, copy_first, copy_device, lost, lost_count,
        }
        CopySink { ctx, copy }
        PlacementV1 { struct_size, flags, configure, create, destroy, place, get_extension }
        LoadContext { struct_size, devices, device, experts, top_k, d_model, d_ff, matrices }
        Shares { struct_size, devices, first, expert, assignments }
        LoadV1 { struct_size, flags, configure, create, destroy, device_name, execute, get_extension }
    }
}

#[test]
fn structs_and_constants_are_the_same_in_c() {
    let mut source = "#include \"isotherm_plugin.h\"\n\
        #define GLUE_(a, b) a##b\n#define GLUE(a, b) GLUE_(a, b)\n\
        #define LIKE_RUST(holds) extern char GLUE(like_rust_, __COUNTER__)[(holds) ? 1 : -1]\n"
        .to_owned();
    source += &asserts_of_layout();
    let signed = [
        ("OK", abi::OK),
        ("FAILED", abi::FAILED),
        ("PANIC", abi::PANIC),
        ("ABI", abi::ABI),
        ("CONFIG", abi::CONFIG),
        ("STATE", abi::STATE),
        ("UNSUPPORTED", abi::UNSUPPORTED),
        ("ABI_MAJOR", i32::from(abi::ABI_MAJOR)),
        ("ABI_MINOR", i32::from(abi::ABI_MINOR)),
    ];
    let unsigned = [
        ("ROUTER", abi::ROUTER),
        ("TELEMETRY", abi::TELEMETRY),
        ("PLACEMENT", abi::PLACEMENT),
        ("LOAD", abi::LOAD),
        ("DROPPED", abi::DROPPED),
        ("ASSIGNMENT", abi::ASSIGNMENT),
        ("SCORES", abi::SCORES),
        ("PRICES", abi::PRICES),
        ("COUNTED", abi::COUNTED),
        ("DESCRIBED", abi::DESCRIBED),
        ("DIVERGENCE", abi::DIVERGENCE),
        ("FEASIBLE", abi::FEASIBLE),
        ("INFEASIBLE", abi::INFEASIBLE),
        ("MASKED", abi::MASKED),
        ("THERMAL", abi::THERMAL),
        ("PENALISED", abi::PENALISED),
        ("ADJUSTS_SCORES", abi::ADJUSTS_SCORES),
        ("USES_ORACLE", abi::USES_ORACLE),
        ("IS_REFERENCE", abi::IS_REFERENCE),
    ];
    let values = signed.map(|(name, value)| (name, value.to_string())).into_iter();
    for (name, value) in values.chain(unsigned.map(|(name, value)| (name, format!("{value}u")))) {
        let _ = writeln!(source, "LIKE_RUST(ISOTHERM_{name} == {value});");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("layout.c");
    std::fs::write(&file, &source).expect("the source");
    for (compiler, language) in COMPILERS {
        compile(compiler, language, &file, &["-fsyntax-only"]);
    }
    // The asserts can fail: one that says otherwise is refused.
    let wrong = source.replacen("sizeof(IsothermStr) == 16", "sizeof(IsothermStr) == 24", 1);
    assert_ne!(wrong, source);
    std::fs::write(&file, wrong).expect("the source");
    let done = Command::new("cc")
        .args(["-std=c99", "-fsyntax-only", "-I"])
        .arg(root().join("plugins/abi/include"))
        .arg(&file)
        .output()
        .expect("a C compiler is installed");
    assert!(!done.status.success());
}
