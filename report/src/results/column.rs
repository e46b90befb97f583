//! The columns of `series.parquet` by name, with their units.

/// What a column holds a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number: [`BatchRow::whole`](super::BatchRow::whole).
    Whole,
    /// A real number that may be absent: [`BatchRow::value`](super::BatchRow::value).
    Real,
    /// A number per expert or GPU: [`BatchRow::list`](super::BatchRow::list).
    List,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $variant:ident $name:literal $unit:literal $kind:ident,)*) => {
        /// A column of `series.parquet`, a row per run and batch.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Column {
            $($(#[$doc])* $variant,)*
        }

        impl Column {
            /// All of them, in the order of the file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in the file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its unit; empty for a share or a count.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }

            /// What it holds a row.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)* }
            }
        }
    };
}

columns! {
    /// Index of the batch in its stream.
    Batch "batch" "" Whole,
    /// When it arrived.
    ArrivedNs "arrived_ns" "ns" Whole,
    /// When it was routed.
    DispatchedNs "dispatched_ns" "ns" Whole,
    /// When its work started: after the router's own time.
    StartedNs "started_ns" "ns" Whole,
    /// When its slowest GPU was done. Rises from row to row of a run.
    FinishedNs "finished_ns" "ns" Whole,
    /// Tokens of the batch.
    Tokens "tokens" "" Whole,
    /// Assignments that no expert served.
    DroppedAssignments "dropped_assignments" "" Whole,
    /// Energy of assignments and router, without idle power.
    EnergyJ "energy_j" "J" Real,
    /// The part of it spent at hot experts.
    HotEnergyJ "hot_energy_j" "J" Real,
    /// Share of the assignments at hot experts.
    HotShare "hot_share" "" Real,
    /// (cold - hot) / all assignments; 1 means all cold.
    ThermalImbalanceSigned "thermal_imbalance_signed" "" Real,
    /// Entropy of the load over experts.
    ExpertDiversityNats "expert_diversity_nats" "nats" Real,
    /// Busiest expert over the mean.
    LoadMaxOverMean "load_max_over_mean" "" Real,
    /// Entropy of the unpenalised gate's mean.
    RoutingEntropyNats "routing_entropy_nats" "nats" Real,
    /// Entropy of the distribution the router selected from.
    GateEntropyNats "gate_entropy_nats" "nats" Real,
    /// KL divergence from the unpenalised gate to that distribution.
    GateKlNats "gate_kl_nats" "nats" Real,
    /// Share of its experts that a token does not share with the token before.
    RouteChurn "route_churn" "" Real,
    /// 1 - retained share of the unpenalised gate mass.
    MassRegret "mass_regret" "" Real,
    /// Total variation of the combine weights.
    CombineWeightTv "combine_weight_tv" "" Real,
    /// Share of the unpenalised top-k that was kept.
    TopkAgreement "topk_agreement" "" Real,
    /// Share of the tokens with exactly the unpenalised set.
    ExactMatch "exact_match" "" Real,
    /// Share of the work done while something held its GPU back.
    ThrottledWorkShare "throttled_work_share" "" Real,
    /// Assignments per expert, layer after layer.
    Usage "usage" "" List,
    /// Die temperature of each GPU when the batch finished; empty where nothing has a temperature.
    TemperatureDegc "temperature_degc" "degC" List,
    /// Memory temperature of each GPU when the batch finished; empty where there is none.
    MemoryTemperatureDegc "memory_temperature_degc" "degC" List,
    /// Mean power of each GPU since the batch before finished.
    PowerW "power_w" "W" List,
    /// Clock of each GPU when the batch finished; empty where clocks are not modelled.
    ClockMhz "clock_mhz" "MHz" List,
    /// Time each GPU worked on this batch.
    BusyS "busy_s" "s" List,
}
