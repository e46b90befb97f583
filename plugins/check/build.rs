//! Says where the heap of a plugin can be watched, in one place.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(watched)");
    println!("cargo::rerun-if-changed=build.rs");
    let of = |key: &str| std::env::var(key).unwrap_or_default();
    let elf = of("CARGO_CFG_TARGET_OS") == "linux";
    if elf && ["x86_64", "aarch64"].contains(&of("CARGO_CFG_TARGET_ARCH").as_str()) {
        println!("cargo::rustc-cfg=watched");
    }
}
