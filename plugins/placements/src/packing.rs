//! Which device holds which copy: heaviest first, to the device on which it would be done first.

/// What can be put on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Device {
    /// Number of items it has room for.
    pub(crate) room: usize,
    /// What it achieves, relative to the others: twice the speed carries twice the weight.
    pub(crate) speed: f64,
}

/// The device of every item: heaviest first, each to the device with room that would then have the least weight over speed.
///
/// With equal speeds that is the least loaded device, and the rule is EPLB's. Equal weights are placed in order of their index,
/// equal devices are filled from the lowest index. Two items of one owner never share a device, which EPLB allows: an item goes to
/// the best device without its owner; where none of those has room, it changes places with an item of another device so that
/// the larger of the two resulting ratios is smallest.
///
/// Needs as much room as there are items and no owner with more items than devices; where some device is smaller than another,
/// an owner may have one item only.
pub(crate) fn pack(owners: &[usize], weights: &[f64], devices: &[Device]) -> Vec<usize> {
    let first = devices.first().copied();
    if owners.len() == devices.len() && devices.iter().all(|device| device.room == 1 && Some(*device) == first) {
        // One item each on equal devices: nothing to balance.
        return (0..owners.len()).collect();
    }
    let mut order: Vec<usize> = (0..owners.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    let mut packing =
        Packing { owners, weights, devices, on: vec![Vec::new(); devices.len()], load: vec![0.0; devices.len()] };
    for item in order {
        match packing.best(item) {
            Some(device) => packing.put(item, device),
            None => packing.exchange(item),
        }
    }
    let mut device_of = vec![0; owners.len()];
    for (device, items) in packing.on.iter().enumerate() {
        items.iter().for_each(|item| device_of[*item] = device);
    }
    device_of
}

struct Packing<'a> {
    owners: &'a [usize],
    weights: &'a [f64],
    devices: &'a [Device],
    /// Items on each device.
    on: Vec<Vec<usize>>,
    /// Their weight.
    load: Vec<f64>,
}

impl Packing<'_> {
    fn has_room(&self, device: usize) -> bool {
        self.on[device].len() < self.devices[device].room
    }

    fn holds(&self, device: usize, owner: usize) -> bool {
        self.on[device].iter().any(|item| self.owners[*item] == owner)
    }

    fn put(&mut self, item: usize, device: usize) {
        self.on[device].push(item);
        self.load[device] += self.weights[item];
    }

    /// The device with room, and without the item's owner, that would have the least weight over speed.
    fn best(&self, item: usize) -> Option<usize> {
        let mut best: Option<(usize, f64, f64)> = None;
        for (device, kind) in self.devices.iter().enumerate() {
            if !self.has_room(device) {
                continue;
            }
            // The second key decides where a small weight vanishes in the sum: equal speeds then order by load, as EPLB does.
            let (after, now) = ((self.load[device] + self.weights[item]) / kind.speed, self.load[device] / kind.speed);
            let better = best.is_none_or(|(_, a, n)| after < a || (after == a && now < n));
            if better && !self.holds(device, self.owners[item]) {
                best = Some((device, after, now));
            }
        }
        best.map(|(device, ..)| device)
    }

    /// Every device with room holds the item's owner already: an item of a device that does not makes room for it.
    fn exchange(&mut self, item: usize) {
        let (owner, weight) = (self.owners[item], self.weights[item]);
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for with_room in (0..self.devices.len()).filter(|device| self.has_room(*device)) {
            for without in (0..self.devices.len()).filter(|device| !self.holds(*device, owner)) {
                for (place, other) in self.on[without].iter().enumerate() {
                    if self.holds(with_room, self.owners[*other]) {
                        continue;
                    }
                    let here = (self.load[without] - self.weights[*other] + weight) / self.devices[without].speed;
                    let there = (self.load[with_room] + self.weights[*other]) / self.devices[with_room].speed;
                    let worst = here.max(there);
                    if best.is_none_or(|(least, ..)| worst < least) {
                        best = Some((worst, with_room, without, place));
                    }
                }
            }
        }
        // A full device without this owner has more items than a device with room, so at least one that can move there.
        let Some((_, with_room, without, place)) = best else { return };
        let other = self.on[without].remove(place);
        self.load[without] -= self.weights[other];
        self.put(other, with_room);
        self.put(item, without);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(devices: usize, room: usize) -> Vec<Device> {
        vec![Device { room, speed: 1.0 }; devices]
    }

    #[test]
    fn heaviest_first_to_the_least_loaded_with_room() {
        assert_eq!(pack(&[0, 1, 2, 3], &[1.0, 4.0, 3.0, 2.0], &alike(2, 2)), [0, 0, 1, 1]);
        assert_eq!(pack(&[0, 1], &[1.0, 4.0], &alike(2, 1)), [0, 1], "one item each stays where it is");
    }

    #[test]
    fn a_faster_device_carries_more() {
        let devices = [Device { room: 2, speed: 1.0 }, Device { room: 2, speed: 3.0 }];
        assert_eq!(pack(&[0, 1, 2, 3], &[6.0, 6.0, 1.0, 1.0], &devices), [1, 1, 0, 0]);
    }

    /// Greedy alone would put both items of owner 4 on device 0, the last one with room: the lightest item of the other device makes room.
    #[test]
    fn two_items_of_one_owner_never_share_a_device() {
        let (owners, weights) = ([0, 1, 2, 3, 4, 4], [10.0, 4.0, 3.0, 2.0, 1.0, 1.0]);
        assert_eq!(pack(&owners, &weights, &alike(2, 3)), [0, 1, 1, 0, 0, 1]);
    }
}
