//! Loop indices, the combinations that a loop runs over, and the cells that a binding has.
//!
//! A binding is made for all its cells at once. [`Space`] is where it stands: every combination of the loops around
//! it. [`Domain`] is what it depends on: the distinct combinations of those axes alone, in loop order.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use runpipe_base::Value;

/// A loop's place in [`Axes`]; an inner loop has a greater one than those around it.
pub(crate) type AxisId = u32;

/// Axis and value of each loop that a node depends on.
pub(crate) type Index = Arc<[(Arc<str>, Value)]>;

/// One loop index with the values that it takes.
pub(crate) struct Axis {
    pub(crate) name: Arc<str>,
    pub(crate) values: Vec<Value>,
    ids: HashMap<Same, u32>,
}

impl Axis {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self { name, values: Vec::new(), ids: HashMap::new() }
    }

    /// The number of `value` among the axis's values, which it joins if it is new.
    pub(crate) fn intern(&mut self, value: &Value) -> u32 {
        if let Some(id) = self.ids.get(&Same(value.clone())) {
            return *id;
        }
        let id = self.values.len() as u32;
        self.values.push(value.clone());
        self.ids.insert(Same(value.clone()), id);
        id
    }

    /// The number of `value`; a whole number finds the equal float and the other way round.
    pub(crate) fn find(&self, value: &Value) -> Option<u32> {
        let other = match value {
            Value::Int(i) => Some(Value::Float(*i as f64)),
            Value::Float(x) if x.fract() == 0.0 && x.abs() < 2f64.powi(53) => Some(Value::Int(*x as i64)),
            Value::Str(s) => Some(Value::Path(s.clone())),
            _ => None,
        };
        let exact = self.ids.get(&Same(value.clone()));
        exact.or_else(|| self.ids.get(&Same(other?))).copied()
    }
}

/// A value as a name: equal when it is written the same.
#[derive(Clone)]
pub(crate) struct Same(pub(crate) Value);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Same {}

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_value(&self.0, state);
    }
}

/// Hashes a value; equal values hash alike.
pub(crate) fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::None => {}
        Value::Bool(b) => b.hash(state),
        Value::Int(i) => i.hash(state),
        Value::Float(x) => (if *x == 0.0 { 0 } else { x.to_bits() }).hash(state),
        Value::Str(s) | Value::Path(s) => s.hash(state),
        Value::Duration(n) | Value::Size(n) => n.hash(state),
        Value::Range { start, end } => (start, end).hash(state),
        Value::List(items) => {
            items.len().hash(state);
            for item in items {
                hash_value(item, state);
            }
        }
    }
}

/// All loop indices of a pipeline.
#[derive(Default)]
pub(crate) struct Axes(pub(crate) Vec<Axis>);

impl Axes {
    pub(crate) fn add(&mut self, axis: Axis) -> AxisId {
        self.0.push(axis);
        (self.0.len() - 1) as AxisId
    }

    pub(crate) fn get(&self, id: AxisId) -> &Axis {
        &self.0[id as usize]
    }

    /// The names of `ids` as a person lists them: `a`, `b`.
    pub(crate) fn names(&self, ids: &[AxisId]) -> String {
        let names: Vec<String> = ids.iter().map(|id| format!("`{}`", self.get(*id).name)).collect();
        names.join(", ")
    }
}

/// Finds a cell by its coordinates.
enum Lookup {
    /// Up to four axes: the coordinates side by side.
    Packed(HashMap<u128, u32>),
    Wide(HashMap<Box<[u32]>, u32>),
}

fn pack(key: &[u32]) -> u128 {
    key.iter().fold(0, |packed, coordinate| packed << 32 | u128::from(*coordinate))
}

impl Lookup {
    fn new(axes: usize) -> Self {
        if axes <= 4 { Self::Packed(HashMap::new()) } else { Self::Wide(HashMap::new()) }
    }

    fn get(&self, key: &[u32]) -> Option<u32> {
        match self {
            Self::Packed(map) => map.get(&pack(key)).copied(),
            Self::Wide(map) => map.get(key).copied(),
        }
    }

    /// Gives `key` the number `next` unless it has one.
    fn number(&mut self, key: &[u32], next: u32) -> u32 {
        match self {
            Self::Packed(map) => *map.entry(pack(key)).or_insert(next),
            Self::Wide(map) => {
                if let Some(number) = map.get(key) {
                    return *number;
                }
                map.insert(key.into(), next);
                next
            }
        }
    }
}

/// Distinct combinations of some axes, in loop order.
pub(crate) struct Domain {
    /// In order of their ids.
    pub(crate) axes: Box<[AxisId]>,
    pub(crate) len: usize,
    keys: Box<[u32]>,
    lookup: OnceCell<Lookup>,
    indices: OnceCell<Vec<Index>>,
}

impl Domain {
    /// Combinations as coordinates side by side, `len` times as many as there are axes.
    pub(crate) fn new(axes: &[AxisId], len: usize, keys: Vec<u32>) -> Rc<Self> {
        debug_assert!(axes.is_sorted() && keys.len() == len * axes.len());
        let (lookup, indices) = (OnceCell::new(), OnceCell::new());
        Rc::new(Self { axes: axes.into(), len, keys: keys.into(), lookup, indices })
    }

    /// The coordinates of a cell.
    pub(crate) fn key(&self, cell: usize) -> &[u32] {
        &self.keys[cell * self.axes.len()..(cell + 1) * self.axes.len()]
    }

    /// The coordinate of a cell on one of its axes.
    pub(crate) fn coordinate(&self, cell: usize, axis: AxisId) -> Option<u32> {
        self.axes.iter().position(|a| *a == axis).map(|place| self.key(cell)[place])
    }

    /// The cell with these coordinates.
    pub(crate) fn find(&self, key: &[u32]) -> Option<usize> {
        let lookup = self.lookup.get_or_init(|| {
            let mut lookup = Lookup::new(self.axes.len());
            for cell in 0..self.len {
                lookup.number(self.key(cell), cell as u32);
            }
            lookup
        });
        lookup.get(key).map(|cell| cell as usize)
    }

    /// The distinct combinations of some of its axes, in the order in which they first come.
    pub(crate) fn project(self: &Rc<Self>, axes: &[AxisId]) -> Rc<Self> {
        if *axes == *self.axes {
            return Rc::clone(self);
        }
        if axes.is_empty() {
            return Self::new(axes, self.len.min(1), Vec::new());
        }
        let places = places(axes, &self.axes);
        let (mut lookup, mut keys, mut len) = (Lookup::new(axes.len()), Vec::new(), 0);
        let mut key = vec![0; axes.len()];
        for cell in 0..self.len {
            let whole = self.key(cell);
            for (coordinate, place) in key.iter_mut().zip(&places) {
                *coordinate = whole[*place];
            }
            if lookup.number(&key, len) == len {
                len += 1;
                keys.extend_from_slice(&key);
            }
        }
        let domain = Self::new(axes, len as usize, keys);
        // The map is at hand: keep it.
        let _ = domain.lookup.set(lookup);
        domain
    }

    /// Axis and value of each axis, for each cell; equal ones are shared.
    pub(crate) fn indices(&self, axes: &Axes) -> &[Index] {
        self.indices.get_or_init(|| {
            let of = |cell| {
                self.axes
                    .iter()
                    .zip(self.key(cell))
                    .map(|(id, coordinate)| {
                        let axis = axes.get(*id);
                        (Arc::clone(&axis.name), axis.values[*coordinate as usize].clone())
                    })
                    .collect()
            };
            (0..self.len).map(of).collect()
        })
    }
}

/// Where each of `inner` stands in `outer`.
fn places(inner: &[AxisId], outer: &[AxisId]) -> Vec<usize> {
    let place = |axis| outer.binary_search(axis).expect("the axes are among those of the wider domain");
    inner.iter().map(place).collect()
}

/// For each cell of one domain, the cell of another that it lies in.
pub(crate) enum Gather {
    Same,
    First,
    At(Vec<u32>),
}

impl Gather {
    /// Cells of `from` for those of `to`, which has all its axes.
    pub(crate) fn new(from: &Rc<Domain>, to: &Rc<Domain>) -> Self {
        if Rc::ptr_eq(from, to) {
            return Self::Same;
        }
        if from.axes.is_empty() {
            return Self::First;
        }
        let places = places(&from.axes, &to.axes);
        let mut key = vec![0; places.len()];
        let cell = |cell| {
            let whole = to.key(cell);
            for (coordinate, place) in key.iter_mut().zip(&places) {
                *coordinate = whole[*place];
            }
            from.find(&key).expect("what is in scope has a cell for every row of its scope") as u32
        };
        Self::At((0..to.len).map(cell).collect())
    }

    pub(crate) fn at(&self, cell: usize) -> usize {
        match self {
            Self::Same => cell,
            Self::First => 0,
            Self::At(cells) => cells[cell] as usize,
        }
    }
}

/// The cells of a domain by their coordinates on some of its axes.
pub(crate) struct Groups {
    lookup: Lookup,
    cells: Vec<Vec<u32>>,
}

impl Groups {
    pub(crate) fn new(domain: &Domain, by: &[AxisId]) -> Self {
        let places = places(by, &domain.axes);
        let (mut lookup, mut cells) = (Lookup::new(by.len()), Vec::<Vec<u32>>::new());
        let mut key = vec![0; by.len()];
        for cell in 0..domain.len {
            let whole = domain.key(cell);
            for (coordinate, place) in key.iter_mut().zip(&places) {
                *coordinate = whole[*place];
            }
            let group = lookup.number(&key, cells.len() as u32) as usize;
            if group == cells.len() {
                cells.push(Vec::new());
            }
            cells[group].push(cell as u32);
        }
        Self { lookup, cells }
    }

    /// The cells at these coordinates, in loop order.
    pub(crate) fn get(&self, key: &[u32]) -> &[u32] {
        self.lookup.get(key).map_or(&[], |group| &self.cells[group as usize])
    }
}

/// Where a statement stands: the combinations of the loops around it.
pub(crate) struct Space {
    pub(crate) rows: Rc<Domain>,
    /// Axes that decide whether this place is reached at all, in order of their ids.
    pub(crate) guard: Box<[AxisId]>,
    projections: RefCell<HashMap<Box<[AxisId]>, Rc<Domain>>>,
}

impl Space {
    pub(crate) fn new(rows: Rc<Domain>, guard: &[AxisId]) -> Self {
        Self { rows, guard: guard.into(), projections: RefCell::default() }
    }

    /// Outside of all loops.
    pub(crate) fn unit() -> Self {
        Self::new(Domain::new(&[], 1, Vec::new()), &[])
    }

    /// A place that is never reached: what stands there is checked and makes nothing.
    pub(crate) fn nowhere() -> Self {
        Self::new(Domain::new(&[], 0, Vec::new()), &[])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len == 0
    }

    pub(crate) fn has(&self, axis: AxisId) -> bool {
        self.rows.axes.binary_search(&axis).is_ok()
    }

    /// The combinations of some of its axes.
    pub(crate) fn project(&self, axes: &[AxisId]) -> Rc<Domain> {
        if let Some(domain) = self.projections.borrow().get(axes) {
            return Rc::clone(domain);
        }
        let domain = self.rows.project(axes);
        self.projections.borrow_mut().insert(axes.into(), Rc::clone(&domain));
        domain
    }

    /// The same place, seen by what depends on these axes alone.
    pub(crate) fn narrow(&self, axes: &[AxisId]) -> Self {
        let axes = union(axes, &self.guard);
        Self::new(self.project(&axes), &self.guard)
    }

    /// The rows that `keep` holds; `because` are the axes that it looks at.
    pub(crate) fn filter(&self, keep: impl Fn(usize) -> bool, because: &[AxisId]) -> Self {
        let (mut keys, mut len) = (Vec::new(), 0);
        for row in (0..self.rows.len).filter(|row| keep(*row)) {
            keys.extend_from_slice(self.rows.key(row));
            len += 1;
        }
        Self::new(Domain::new(&self.rows.axes, len, keys), &union(&self.guard, because))
    }
}

/// All of both, in order.
pub(crate) fn union(a: &[AxisId], b: &[AxisId]) -> Vec<AxisId> {
    if b.is_empty() {
        return a.to_vec();
    }
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}
