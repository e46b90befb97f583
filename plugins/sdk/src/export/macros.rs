//! The export macros. The author's feature `plugin` decides, where they are expanded, between a library and a type that is linked in.

/// Exports a [`Router`](crate::Router) under the name that scenarios use.
///
/// With the feature `plugin` of the *author's* crate this is the library's one entry; without, the type is linked into whatever uses the crate,
/// under the same name. So the crate says
///
/// ```toml
/// [lib]
/// crate-type = ["cdylib", "rlib"]
///
/// [features]
/// default = ["plugin"]
/// plugin = []
/// ```
///
/// A library has one entry: for several things use [`export_plugin!`](crate::export_plugin).
#[macro_export]
macro_rules! export_router {
    ($router:ty = $name:literal) => {
        $crate::export_plugin! { routers: [$router = $name] }
    };
}

/// Exports a [`Telemetry`](crate::Telemetry) source under the name that scenarios use; see [`export_router!`](crate::export_router).
#[macro_export]
macro_rules! export_telemetry {
    ($telemetry:ty = $name:literal) => {
        $crate::export_plugin! { telemetry: [$telemetry = $name] }
    };
}

/// Exports a [`PlacementPolicy`](crate::PlacementPolicy) under the name that scenarios use; see [`export_router!`](crate::export_router).
#[macro_export]
macro_rules! export_placement {
    ($placement:ty = $name:literal) => {
        $crate::export_plugin! { placements: [$placement = $name] }
    };
}

/// Exports a [`LoadSpec`](crate::LoadSpec) under the name that live runs use; see [`export_router!`](crate::export_router). Loads are for libraries only:
/// without the feature `plugin` nothing is exported.
#[macro_export]
macro_rules! export_load {
    ($load:ty = $name:literal) => {
        $crate::export_plugin! { loads: [$load = $name] }
    };
}

/// Exports several things at once. Each list may be left out; they come in this order:
///
/// ```
/// # use isotherm_plugin::prelude::*;
/// # #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)] struct A {}
/// # impl Router for A {
/// #     fn route(&mut self, _: &GateBatch<'_>, _: &ClusterView<'_>, _: &mut Decision<'_>) -> Result<(), RouterError> { Ok(()) }
/// # }
/// # type B = A;
/// # #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)] struct Here {}
/// # impl PlacementPolicy for Here {
/// #     fn place(&self, c: &PlacementContext<'_>) -> Result<Placement, PlacementError> { Ok(Placement::contiguous(c.experts, c.gpus)) }
/// # }
/// isotherm_plugin::export_plugin! {
///     routers: [A = "acme/a"],
///     telemetry: [],
///     placements: [Here = "acme/here"],
///     loads: [],
///     router_specs: [],
/// }
/// ```
///
/// `router_specs` are types with the core's own [`RouterSpec`](crate::router::RouterSpec) that serde can read and write. They have no schema; where an
/// option must be given, an example says how: `Penalty = "acme/penalty" => r#"{"lambda": 0.1}"#`. They are exported by libraries only: linked in, they
/// have a name already.
#[macro_export]
macro_rules! export_plugin {
    ($($items:tt)*) => {
        #[cfg(feature = "plugin")]
        $crate::__export_library! { $($items)* }
        #[cfg(not(feature = "plugin"))]
        $crate::__export_linked! { $($items)* }
    };
}

/// The library's entry, label, factories and manifest.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_library {
    (
        $(routers: [$($router:ty = $router_name:literal),* $(,)?] $(,)?)?
        $(telemetry: [$($telemetry:ty = $telemetry_name:literal),* $(,)?] $(,)?)?
        $(placements: [$($placement:ty = $placement_name:literal),* $(,)?] $(,)?)?
        $(loads: [$($load:ty = $load_name:literal),* $(,)?] $(,)?)?
        $(router_specs: [$($spec:ty = $spec_name:literal $(=> $spec_example:literal)?),* $(,)?] $(,)?)?
    ) => {
        const _: () = {
            $($(assert!($crate::export::is_name($router_name), $crate::__name_fault!($router_name));)*)?
            $($(assert!($crate::export::is_name($telemetry_name), $crate::__name_fault!($telemetry_name));)*)?
            $($(assert!($crate::export::is_name($placement_name), $crate::__name_fault!($placement_name));)*)?
            $($(assert!($crate::export::is_name($load_name), $crate::__name_fault!($load_name));)*)?
            $($(assert!($crate::export::is_name($spec_name), $crate::__name_fault!($spec_name));)*)?

            const TEXT: &str = concat!(
                "isotherm:", "plugin:label\nabi 1.", $crate::__abi_minor!($($($load_name)*)?), "\npackage ", env!("CARGO_PKG_NAME"),
                "\nversion ", env!("CARGO_PKG_VERSION"), "\n",
                $($("router ", $router_name, "\n",)*)?
                $($("telemetry ", $telemetry_name, "\n",)*)?
                $($("placement ", $placement_name, "\n",)*)?
                $($("load ", $load_name, "\n",)*)?
                $($("router ", $spec_name, "\n",)*)?
                "\0",
            );
            #[used]
            static LABEL: [u8; TEXT.len()] = $crate::export::bytes(TEXT);

            static ITEMS: &[$crate::export::Item] = &[
                $($($crate::export::Item::router::<$router>($router_name),)*)?
                $($($crate::export::Item::telemetry::<$telemetry>($telemetry_name),)*)?
                $($($crate::export::Item::placement::<$placement>($placement_name),)*)?
                $($($crate::export::Item::load::<$load>($load_name),)*)?
                $($($crate::export::Item::router_spec::<$spec>($spec_name)$(.with_example($spec_example))?,)*)?
            ];

            static LIBRARY: $crate::export::Library = $crate::export::Library::new(
                $crate::export::About {
                    version: env!("CARGO_PKG_VERSION"),
                    description: env!("CARGO_PKG_DESCRIPTION"),
                    license: env!("CARGO_PKG_LICENSE"),
                    homepage: if env!("CARGO_PKG_HOMEPAGE").is_empty() {
                        env!("CARGO_PKG_REPOSITORY")
                    } else {
                        env!("CARGO_PKG_HOMEPAGE")
                    },
                    panic: if cfg!(panic = "abort") { "abort" } else { "unwind" },
                },
                ITEMS,
            );

            // SAFETY: no other function of a library has this name; the host keeps what the interface asks of it.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn isotherm_plugin_v1(host: *const $crate::abi::Host) -> *const $crate::abi::Plugin {
                unsafe { LIBRARY.enter(host, &LABEL) }
            }
        };
    };
}

/// The same types as kinds that a scenario finds without a library.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_linked {
    (
        $(routers: [$($router:ty = $router_name:literal),* $(,)?] $(,)?)?
        $(telemetry: [$($telemetry:ty = $telemetry_name:literal),* $(,)?] $(,)?)?
        $(placements: [$($placement:ty = $placement_name:literal),* $(,)?] $(,)?)?
        $(loads: [$($load:ty = $load_name:literal),* $(,)?] $(,)?)?
        $(router_specs: [$($spec:ty = $spec_name:literal $(=> $spec_example:literal)?),* $(,)?] $(,)?)?
    ) => {
        $($(const _: () = {
            use $crate::typetag;
            #[typetag::serde(name = $router_name)]
            impl $crate::router::RouterSpec for $router {
                fn build(
                    &self,
                    context: &$crate::router::RouterContext<'_>,
                ) -> ::std::result::Result<
                    ::std::boxed::Box<dyn $crate::router::Router>,
                    $crate::router::RouterError,
                > {
                    $crate::linked::router(self, context)
                }

                fn uses_oracle(&self) -> bool {
                    $crate::Router::uses_oracle(self)
                }

                fn is_reference(&self) -> bool {
                    $crate::Router::is_reference(self)
                }
            }
        };)*)?
        $($(const _: () = {
            use $crate::typetag;
            #[typetag::serde(name = $telemetry_name)]
            impl $crate::telemetry::TelemetrySpec for $telemetry {
                fn period(&self) -> $crate::time::SimDuration {
                    $crate::Telemetry::period(self)
                }

                fn build(
                    &self,
                    gpus: usize,
                    seed: u64,
                ) -> ::std::result::Result<
                    ::std::boxed::Box<dyn $crate::telemetry::TelemetrySource>,
                    $crate::telemetry::TelemetryError,
                > {
                    $crate::linked::telemetry(self, gpus, seed)
                }

                fn prescribes_temperature(&self) -> bool {
                    $crate::Telemetry::prescribes_temperature(self)
                }

                fn warning(&self) -> ::std::option::Option<&'static str> {
                    $crate::Telemetry::warning(self)
                }
            }
        };)*)?
        $($(const _: () = {
            use $crate::typetag;
            #[typetag::serde(name = $placement_name)]
            impl $crate::placement::PlacementSpec for $placement {
                fn place(
                    &self,
                    context: &$crate::placement::PlacementContext<'_>,
                ) -> ::std::result::Result<$crate::placement::Placement, $crate::placement::PlacementError> {
                    $crate::PlacementPolicy::place(self, context)
                }

                fn rebalance(&self) -> ::std::option::Option<$crate::placement::Rebalance> {
                    $crate::PlacementPolicy::rebalance(self)
                }
            }
        };)*)?
    };
}

/// The second number of the interface that a library needs: loads came with 1.1.
#[doc(hidden)]
#[macro_export]
macro_rules! __abi_minor {
    () => {
        "0"
    };
    ($($load_name:literal)+) => {
        "1"
    };
}

/// What the compiler says about a name that is none.
#[doc(hidden)]
#[macro_export]
macro_rules! __name_fault {
    ($name:literal) => {
        concat!(
            "`", $name, "` is no name for a scenario; expected lower-case letters, digits and hyphens on both sides of one slash, for example ",
            "`acme/my-router`"
        )
    };
}
