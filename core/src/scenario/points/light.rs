//! A scenario as it is copied for each of its worlds: without its largest parts.

use crate::config::{Entry, Faults, Node, Origin, Path, Segment, Table, Tree, Value, deserialize};
use crate::hardware::DeviceProfile;
use crate::scenario::sweep::Sweep;

/// Everything of a scenario that worlds can differ in. Copying and reading the device profile, of which all worlds mostly have the same, would take
/// three quarters of the time of a point.
#[derive(Debug)]
pub(super) struct Light {
    /// The scenario without sweep and routers, and without the profile if that is here.
    pub(super) tree: Tree,
    /// The profile, if no axis changes it.
    pub(super) profile: Option<DeviceProfile>,
}

impl Default for Light {
    fn default() -> Self {
        Self { tree: Tree::new(Table::default(), Origin::Default), profile: None }
    }
}

const PROFILE: [&str; 2] = ["hardware", "profile"];

impl Light {
    /// What is left of a scenario without its sweep.
    pub(super) fn of(tree: &Tree, sweep: &Sweep) -> Self {
        let tree = without(tree, &["router"]);
        let may_change = sweep.axes.iter().any(|axis| is_about_profile(&axis.path));
        let section = tree.at(&PROFILE.join(".")).filter(|node| matches!(node.value, Value::Table(_)) && !may_change);
        let profile = section.and_then(|node| deserialize(node, &PROFILE.join("."), &mut Faults::new()));
        match profile {
            None => Self { tree, profile },
            Some(_) => Self { tree: without(&tree, &PROFILE), profile },
        }
    }
}

/// Whether setting a path may change the profile: it is a part of it, or the profile of it.
fn is_about_profile(path: &Path) -> bool {
    let mut both = path.segments().iter().zip(PROFILE);
    both.all(|(segment, key)| matches!(segment, Segment::Key(name) if name == key))
}

/// A tree without what lies behind these keys.
pub(super) fn without(tree: &Tree, keys: &[&str]) -> Tree {
    fn shortened(whole: &Table, keys: &[&str]) -> Table {
        let mut table = Table::default();
        for Entry { key, node } in whole.entries() {
            match (&node.value, keys) {
                (_, [last]) if key.name == *last => {}
                (Value::Table(inner), [first, rest @ ..]) if key.name == *first => {
                    let inner = Value::Table(shortened(inner, rest));
                    table.insert(key.clone(), Node::new(inner, node.origin.clone()));
                }
                _ => table.insert(key.clone(), node.clone()),
            }
        }
        table
    }
    match &tree.root().value {
        Value::Table(whole) => Tree::new(shortened(whole, keys), tree.root().origin.clone()),
        _ => tree.clone(),
    }
}
