//! Where boxes stand: layers from top to bottom, few crossings, short edges.

use std::collections::BTreeMap;

use super::Graph;

pub(super) const BOX_HEIGHT: f64 = 46.0;
const LAYER_GAP: f64 = 44.0;
const BOX_GAP: f64 = 26.0;
/// Room for an edge that passes a layer.
const PASS_WIDTH: f64 = 10.0;

/// A placed graph.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Middle, top and width of each box.
    pub(super) boxes: Vec<(f64, f64, f64)>,
    /// For each pair of joined boxes the points that its line passes, from box to box.
    pub(super) lines: BTreeMap<(usize, usize), Vec<(f64, f64)>>,
}

/// A box, or the place where a long edge passes a layer.
struct Item {
    layer: usize,
    width: f64,
    up: Vec<usize>,
    down: Vec<usize>,
    x: f64,
}

impl Layout {
    pub(super) fn of(graph: &Graph, widths: &[f64]) -> Self {
        let (mut items, chains) = items(graph, widths);
        let mut layers = order(&mut items);
        place(&mut items, &mut layers);
        let left = items.iter().map(|i| i.x - i.width / 2.0).fold(f64::INFINITY, f64::min);
        let left = if left.is_finite() { left } else { 0.0 };
        for item in &mut items {
            item.x -= left;
        }
        let top = |item: &Item| item.layer as f64 * (BOX_HEIGHT + LAYER_GAP);
        let boxes = items[..widths.len()].iter().map(|item| (item.x, top(item), item.width)).collect();
        let lines = chains
            .into_iter()
            .map(|(ends, chain)| {
                let mut points = Vec::new();
                for (i, item) in chain.iter().map(|i| &items[*i]).enumerate() {
                    if i > 0 {
                        points.push((item.x, top(item)));
                    }
                    if i + 1 < chain.len() {
                        points.push((item.x, top(item) + BOX_HEIGHT));
                    }
                }
                (ends, points)
            })
            .collect();
        Self {
            width: items.iter().map(|i| i.x + i.width / 2.0).fold(0.0, f64::max),
            height: items.iter().map(top).fold(0.0, f64::max)
                + if items.is_empty() { 0.0 } else { BOX_HEIGHT },
            boxes,
            lines,
        }
    }
}

type Chains = BTreeMap<(usize, usize), Vec<usize>>;

/// Boxes in layers, and the chains of places that stand for edges.
fn items(graph: &Graph, widths: &[f64]) -> (Vec<Item>, Chains) {
    let item = |layer, width| Item { layer, width, up: Vec::new(), down: Vec::new(), x: 0.0 };
    let mut items: Vec<Item> = widths.iter().map(|width| item(0, *width)).collect();
    // Edges go from earlier boxes to later ones, but for circles: those are drawn against the stream.
    for to in 0..widths.len() {
        let before = graph.edges.iter().filter(|edge| edge.to == to && edge.from < to);
        items[to].layer = before.map(|edge| items[edge.from].layer + 1).max().unwrap_or_default();
    }
    let mut chains = Chains::new();
    for edge in &graph.edges {
        let (from, to) = (edge.from, edge.to);
        if chains.contains_key(&(from, to)) {
            continue;
        }
        let mut chain = vec![from];
        for layer in items[from].layer + 1..items[to].layer {
            items.push(item(layer, PASS_WIDTH));
            chain.push(items.len() - 1);
        }
        chain.push(to);
        if from < to {
            for pair in chain.windows(2) {
                items[pair[0]].down.push(pair[1]);
                items[pair[1]].up.push(pair[0]);
            }
        }
        chains.insert((from, to), chain);
    }
    (items, chains)
}

/// Orders each layer by the mean place of its neighbours, down and up a few times.
fn order(items: &mut [Item]) -> Vec<Vec<usize>> {
    let depth = items.iter().map(|item| item.layer + 1).max().unwrap_or_default();
    let mut layers = vec![Vec::new(); depth];
    for (i, item) in items.iter().enumerate() {
        layers[item.layer].push(i);
    }
    let mut place = vec![0.0; items.len()];
    for sweep in 0..8 {
        let down = sweep % 2 == 0;
        for l in 0..depth {
            let layer = &mut layers[if down { l } else { depth - 1 - l }];
            let wish = |i: &usize, at: usize| {
                let near = if down { &items[*i].up } else { &items[*i].down };
                if near.is_empty() {
                    at as f64
                } else {
                    near.iter().map(|n| place[*n]).sum::<f64>() / near.len() as f64
                }
            };
            let mut wishes: Vec<(f64, usize)> =
                layer.iter().enumerate().map(|(at, i)| (wish(i, at), *i)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
            *layer = wishes.into_iter().map(|(_, i)| i).collect();
            let middle = (layer.len() as f64 - 1.0) / 2.0;
            for (at, i) in layer.iter().enumerate() {
                place[*i] = at as f64 - middle;
            }
        }
    }
    layers
}

/// Moves items toward the mean of their neighbours, as far as their layer's order and gaps allow.
fn place(items: &mut [Item], layers: &mut [Vec<usize>]) {
    for layer in layers.iter() {
        let wishes = vec![0.0; layer.len()];
        settle(items, layer, &wishes);
    }
    for sweep in 0..12 {
        for l in 0..layers.len() {
            let layer = &layers[if sweep % 2 == 0 { l } else { layers.len() - 1 - l }];
            let wishes: Vec<f64> = layer
                .iter()
                .map(|i| {
                    let near: Vec<f64> =
                        items[*i].up.iter().chain(&items[*i].down).map(|n| items[*n].x).collect();
                    if near.is_empty() { items[*i].x } else { near.iter().sum::<f64>() / near.len() as f64 }
                })
                .collect();
            settle(items, layer, &wishes);
        }
    }
}

/// Places a layer as near to its wishes as its gaps allow: least squares under order constraints, which pooling
/// neighbours that collide solves exactly.
fn settle(items: &mut [Item], layer: &[usize], wishes: &[f64]) {
    let mut offset = 0.0;
    let mut offsets = Vec::new();
    for (at, i) in layer.iter().enumerate() {
        if at > 0 {
            offset += f64::midpoint(items[layer[at - 1]].width, items[*i].width) + BOX_GAP;
        }
        offsets.push(offset);
    }
    let mut pools = Vec::<(f64, usize)>::new();
    for (wish, offset) in wishes.iter().zip(&offsets) {
        pools.push((wish - offset, 1));
        while let [.., (left, m), (right, n)] = pools[..] {
            if left <= right {
                break;
            }
            pools.truncate(pools.len() - 2);
            pools.push(((left * m as f64 + right * n as f64) / (m + n) as f64, m + n));
        }
    }
    let places = pools.into_iter().flat_map(|(x, n)| std::iter::repeat_n(x, n));
    for ((i, offset), x) in layer.iter().zip(offsets).zip(places) {
        items[*i].x = x + offset;
    }
}
