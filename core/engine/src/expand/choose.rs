//! `if` between artifacts.

use std::rc::Rc;

use runpipe_grammar::Diagnostic;
use runpipe_grammar::ast::{Branch, Expr};

use super::{Art, Column, Data, Gather, Lists, Place, ShapeId, Space, union};
use crate::bind::Binder;
use crate::bind::names::Frame;

/// One branch: where it is taken and what it gives there.
struct Taken {
    space: Space,
    column: Column,
}

impl<'a> Binder<'a> {
    /// The artifacts of the branches that are taken; the others are checked and make nothing.
    pub(super) fn choose(
        &mut self,
        branches: &'a [Branch],
        otherwise: &'a Expr,
        frame: &Frame<'a>,
        place: Place<'_>,
    ) -> Column {
        let mut rest = Space::new(Rc::clone(&place.space.rows), &place.space.guard);
        let (mut because, mut taken, mut sound) = (Vec::new(), Vec::new(), true);
        for branch in branches {
            let space = if let Some(condition) = self.condition(&branch.condition, frame, &rest) {
                let axes = condition.axes();
                because = union(&because, axes);
                let (cell, truths) = condition.on(&rest.rows);
                let space = rest.filter(|row| truths[cell.at(row)], axes);
                rest = rest.filter(|row| !truths[cell.at(row)], axes);
                space
            } else {
                sound = false;
                rest.filter(|_| false, &[])
            };
            let column = self.column(&branch.value, frame, place.within(&space));
            taken.push(Taken { space, column });
        }
        let column = self.column(otherwise, frame, place.within(&rest));
        taken.push(Taken { space: rest, column });
        if !sound || taken.iter().any(|branch| branch.column.is_poison()) {
            return Column::poison();
        }
        let exprs = branches.iter().map(|branch| &branch.value).chain([otherwise]);
        for (branch, expr) in taken.iter().zip(exprs) {
            if matches!(branch.column.data, Data::Values(_)) && !branch.column.is_none() {
                let message = "this branch is a value, the other an artifact";
                self.problems.add(Diagnostic::error(expr.span, message));
                return Column::poison();
            }
        }
        if because.is_empty() {
            return one_for_all(taken);
        }
        let families = taken.iter().any(|branch| !branch.column.family_axes(place.space).is_empty());
        if families {
            let message = "an `if` that differs from index to index cannot choose a family";
            self.problems
                .add(Diagnostic::error(otherwise.span, message).hint("choose inside the loop of the family"));
            return Column::poison();
        }
        merge(&taken, &because, place.space)
    }
}

/// The one branch that is taken everywhere; where nothing is reached, one with all shapes.
fn one_for_all(taken: Vec<Taken>) -> Column {
    let shapes = all_shapes(&taken);
    let mut artifacts = None;
    for Taken { space, column } in taken {
        if !space.is_empty() {
            return column;
        }
        artifacts = artifacts.or_else(|| (!column.is_none()).then_some(column));
    }
    match artifacts {
        Some(Column { domain, data: Data::Arts(arts) }) => Column::arts(domain, arts.cells.clone(), shapes),
        Some(column) => column,
        None => Column::poison(),
    }
}

fn all_shapes(taken: &[Taken]) -> Vec<ShapeId> {
    let mut shapes: Vec<ShapeId> =
        taken.iter().flat_map(|branch| branch.column.shapes().iter().copied()).collect();
    shapes.sort_unstable();
    shapes.dedup();
    shapes
}

/// For each combination the artifact of the branch that is taken there.
fn merge(taken: &[Taken], because: &[super::AxisId], space: &Space) -> Column {
    let axes =
        taken.iter().fold(because.to_vec(), |axes, branch| union(&axes, &branch.column.inner_axes(space)));
    let domain = space.project(&axes);
    let lists = taken.iter().any(|branch| matches!(branch.column.data, Data::Lists(_)));
    let mut cells: Vec<Vec<Art>> = vec![Vec::new(); domain.len];
    for branch in taken {
        let here = branch.space.project(&axes);
        let from = Gather::new(&branch.column.domain, &here);
        for cell in 0..here.len {
            let found = match &branch.column.data {
                Data::Arts(arts) => vec![arts.cells[from.at(cell)]],
                Data::Lists(lists) => lists.cells[from.at(cell)].clone(),
                Data::Values(_) | Data::Poison if lists => Vec::new(),
                Data::Values(_) | Data::Poison => vec![Art::NONE],
            };
            let to = domain.find(here.key(cell)).expect("a branch is taken at some of the combinations");
            cells[to] = found;
        }
    }
    let shapes = all_shapes(taken);
    if lists {
        return Column { domain, data: Data::Lists(Rc::new(Lists { cells, shapes })) };
    }
    let cells = cells.into_iter().map(|cell| cell.first().copied().unwrap_or(Art::NONE)).collect();
    Column::arts(domain, cells, shapes)
}
