//! What a name stands for: values or artifacts, one for each cell of a domain.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use runpipe_base::{Kind, Spec, Value};

use super::space::{AxisId, Domain, Space};
use crate::pipeline::{NodeId, StageEntry};

/// A [`Shape`]'s place in [`Shapes`].
pub(crate) type ShapeId = u32;

/// What is known of an artifact before it is made.
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// Its stage; none for the input of a `fn` that is only being checked.
    pub(crate) stage: Option<Arc<StageEntry>>,
    /// The part taken; empty for the whole artifact.
    pub(crate) part: Arc<str>,
}

impl Shape {
    /// The stage's description when the artifact is the whole of what it makes.
    pub(crate) fn whole(&self) -> Option<&Spec> {
        self.stage.as_ref().filter(|_| self.part.is_empty()).map(|stage| &stage.spec)
    }

    /// Whether nothing is known of it.
    pub(crate) fn is_open(&self) -> bool {
        self.kind == Kind::ANY
    }
}

/// All shapes of a pipeline; equal ones are one.
pub(crate) struct Shapes {
    list: Vec<Shape>,
    ids: HashMap<(usize, Arc<str>), ShapeId>,
    open: HashMap<Kind, ShapeId>,
    /// The empty part, shared.
    pub(crate) whole: Arc<str>,
}

impl Shapes {
    pub(crate) fn new() -> Self {
        Self { list: Vec::new(), ids: HashMap::new(), open: HashMap::new(), whole: "".into() }
    }

    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        &self.list[id as usize]
    }

    /// The shape of what `stage` makes, or of a part of it.
    pub(crate) fn made(&mut self, stage: &Arc<StageEntry>, part: &Arc<str>, kind: &Kind) -> ShapeId {
        let key = (Arc::as_ptr(stage) as usize, Arc::clone(part));
        *self.ids.entry(key).or_insert_with(|| {
            let stage = Some(Arc::clone(stage));
            self.list.push(Shape { kind: kind.clone(), stage, part: Arc::clone(part) });
            (self.list.len() - 1) as ShapeId
        })
    }

    /// The shape of some artifact of this kind.
    pub(crate) fn some(&mut self, kind: &Kind) -> ShapeId {
        *self.open.entry(kind.clone()).or_insert_with(|| {
            self.list.push(Shape { kind: kind.clone(), stage: None, part: "".into() });
            (self.list.len() - 1) as ShapeId
        })
    }
}

/// An artifact, or a part of one; nothing where an input was given `none`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Art {
    pub(crate) node: NodeId,
    pub(crate) shape: ShapeId,
}

impl Art {
    /// No artifact at all.
    pub(crate) const NONE: Self = Self { node: NodeId::MAX, shape: ShapeId::MAX };

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// Values or artifacts, one for each cell.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) domain: Rc<Domain>,
    pub(crate) data: Data,
}

/// What is in a column.
#[derive(Clone)]
pub(crate) enum Data {
    /// Something is wrong with it and was told: all that uses it is silent.
    Poison,
    Values(Rc<[Value]>),
    Arts(Rc<Arts>),
    /// A list of artifacts in each cell.
    Lists(Rc<Lists>),
}

/// One artifact in each cell.
pub(crate) struct Arts {
    pub(crate) cells: Vec<Art>,
    /// Every shape that a cell can have; known even where there is no cell.
    pub(crate) shapes: Vec<ShapeId>,
}

/// Any number of artifacts in each cell.
pub(crate) struct Lists {
    pub(crate) cells: Vec<Vec<Art>>,
    pub(crate) shapes: Vec<ShapeId>,
}

impl Column {
    pub(crate) fn poison() -> Self {
        thread_local! {
            static NOWHERE: Rc<Domain> = Domain::new(&[], 0, Vec::new());
        }
        Self { domain: NOWHERE.with(Rc::clone), data: Data::Poison }
    }

    pub(crate) fn values(domain: Rc<Domain>, values: Vec<Value>) -> Self {
        debug_assert_eq!(domain.len, values.len());
        Self { domain, data: Data::Values(values.into()) }
    }

    pub(crate) fn arts(domain: Rc<Domain>, cells: Vec<Art>, shapes: Vec<ShapeId>) -> Self {
        debug_assert_eq!(domain.len, cells.len());
        Self { domain, data: Data::Arts(Rc::new(Arts { cells, shapes })) }
    }

    pub(crate) fn is_poison(&self) -> bool {
        matches!(self.data, Data::Poison)
    }

    /// Whether it is `none` and nothing else.
    pub(crate) fn is_none(&self) -> bool {
        matches!(&self.data, Data::Values(values) if values.iter().all(|v| *v == Value::None) && !values.is_empty())
    }

    /// Its shapes, if it holds artifacts.
    pub(crate) fn shapes(&self) -> &[ShapeId] {
        match &self.data {
            Data::Arts(arts) => &arts.shapes,
            Data::Lists(lists) => &lists.shapes,
            Data::Poison | Data::Values(_) => &[],
        }
    }

    /// Its axes among those of the loops around.
    pub(crate) fn inner_axes(&self, space: &Space) -> Vec<AxisId> {
        self.domain.axes.iter().copied().filter(|axis| space.has(*axis)).collect()
    }

    /// Its axes from loops that are closed: it is a family over them.
    pub(crate) fn family_axes(&self, space: &Space) -> Vec<AxisId> {
        self.domain.axes.iter().copied().filter(|axis| !space.has(*axis)).collect()
    }
}
