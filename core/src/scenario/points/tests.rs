//! The number, order and exclusion of points, against the product written out.

use proptest::prelude::*;

use super::*;
use crate::config::{SourceMap, Value};
use crate::registry::NoLibraries;

/// The points of a `[sweep]`, whatever the rest of the scenario lacks.
fn points(sweep: &str) -> (Points, Faults) {
    let mut sources = SourceMap::new();
    let mut faults = Faults::new();
    let file = sources.add("a.toml", sweep);
    let tree = Tree::parse(&sources, file, &mut faults).expect("valid TOML");
    assert!(faults.is_empty(), "{faults}");
    let points = Points::open(&tree, &NoLibraries, &mut faults);
    let about_sweep = faults.into_iter().filter(|fault| fault.pointer.starts_with("sweep"));
    let mut left = Faults::new();
    left.extend(about_sweep);
    (points, left)
}

/// All points as numbers, in their order.
fn numbers(points: &Points) -> Vec<Vec<usize>> {
    let number = |at: &AxisValue| at.value.parse().expect("a number");
    (0..points.worlds()).map(|world| points.point(world).iter().map(number).collect()).collect()
}

fn array(len: usize) -> String {
    format!("{:?}", (0..len).collect::<Vec<_>>())
}

/// Plain axes `a0`, `a1`, ... and after them a zip of `z0`, `z1`.
fn text(sizes: &[usize], zip: usize) -> String {
    let axes: String = sizes.iter().enumerate().map(|(i, &len)| format!("a{i} = {}\n", array(len))).collect();
    format!("[sweep]\n{axes}[[sweep.zip]]\nz0 = {0}\nz1 = {0}\n", array(zip))
}

/// The product with the zip as one more axis, both of whose keys have its value.
fn product(sizes: &[usize], zip: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for &size in sizes.iter().chain([&zip]) {
        all = all.iter().flat_map(|point| (0..size).map(move |i| [point.as_slice(), &[i]].concat())).collect();
    }
    all.into_iter()
        .map(|mut point| {
            point.extend(point.last().copied());
            point
        })
        .collect()
}

proptest! {
    #[test]
    fn points_are_the_product_of_axes_and_zips_in_order(sizes in prop::collection::vec(1_usize..6, 0..4), zip in 1_usize..6) {
        let (points, faults) = points(&text(&sizes, zip));
        prop_assert!(faults.is_empty(), "{}", faults);
        prop_assert_eq!(numbers(&points), product(&sizes, zip));
        prop_assert!(points.point(points.worlds()).is_empty());
    }

    #[test]
    fn an_exclude_filters_the_product(
        sizes in prop::collection::vec(2_usize..6, 1..4),
        zip in 1_usize..4,
        excludes in prop::collection::vec(prop::collection::vec(prop::option::of(0_usize..6), 3), 1..4),
    ) {
        let mut sweep = text(&sizes, zip);
        let mut conditions: Vec<Vec<(usize, usize)>> = Vec::new();
        for exclude in &excludes {
            let own: Vec<(usize, usize)> = sizes.iter().zip(exclude).enumerate()
                .filter_map(|(axis, (&size, value))| Some((axis, (*value)? % size))).collect();
            if !own.is_empty() {
                sweep += "[[sweep.exclude]]\n";
                sweep.extend(own.iter().map(|(axis, value)| format!("a{axis} = {value}\n")));
                conditions.push(own);
            }
        }
        let is_left = |point: &Vec<usize>| !conditions.iter().any(|own| own.iter().all(|&(axis, value)| point[axis] == value));
        let expected: Vec<Vec<usize>> = product(&sizes, zip).into_iter().filter(is_left).collect();
        let (points, faults) = points(&sweep);
        if expected.is_empty() {
            prop_assert_eq!(faults.len(), 1);
        } else {
            prop_assert!(faults.is_empty(), "{}", faults);
            prop_assert_eq!(numbers(&points), expected);
        }
    }

    #[test]
    fn a_few_worlds_show_every_value(sizes in prop::collection::vec(1_usize..6, 0..4), zip in 1_usize..6) {
        let (points, _) = points(&text(&sizes, zip));
        let all = numbers(&points);
        let showing = points.showing_all();
        for (axis, size) in sizes.iter().chain([&zip]).enumerate() {
            for value in 0..*size {
                prop_assert!(showing.iter().any(|&world| all[world][axis] == value), "axis {axis} value {value}");
            }
        }
        prop_assert!(showing.len() <= sizes.iter().sum::<usize>() + zip);
    }
}

#[test]
fn more_points_than_anybody_runs_are_one_fault() {
    let many = array(1000);
    for axes in [3, 9] {
        let sweep: String = (0..axes).map(|i| format!("a{i} = {many}\n")).collect();
        let (points, faults) = points(&format!("[sweep]\n{sweep}"));
        assert_eq!((faults.len(), points.worlds()), (1, 1));
        assert!(faults.to_string().contains("more than 10000000 combinations"), "{faults}");
    }
}

#[test]
fn a_table_is_set_before_what_is_inside_it() {
    let (points, _) = points("[sweep]\n\"a.b\" = [1, 2]\na = [{ b = 7, c = 3 }]\n");
    let at = points.place(1).expect("there are two");
    let tree = points.tree_at(&at, &points.tree, &mut Faults::new());
    assert_eq!(tree.at("a.b").map(|node| &node.value), Some(&Value::Integer(2)));
    assert_eq!(tree.at("a.c").map(|node| &node.value), Some(&Value::Integer(3)));
}
