//! Long short-term memory over packed sequences: all steps of all sequences are one op.
//!
//! The inputs' share of the gates is one product for all rows. What is left is the recurrence, in which a few sequences
//! of about the same length go through their steps together, against weights that were put in order once; such blocks
//! know nothing of each other, so they run in parallel over whole sequences and not step by step.

mod recurrence;

use dfdx::prelude::{Gradients, HasShape, NoneTape, PutTape, SplitTape, Tape};

use super::attention::Packed;
use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::gemm::{Mat, Old, matmul};
use crate::kit::cpu::par;
use recurrence::{Blocks, Gradient, Recurrence};

/// From which end a sequence is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From its first row to its last.
    Forward,
    /// From its last row to its first.
    Backward,
}

/// The weights of an LSTM of H cells over I inputs; rows in the order input gate, forget gate, candidate, output gate.
#[derive(Debug)]
pub struct Weights<'a, D: Backend> {
    /// `[4·H, I]`.
    pub input: &'a Matrix<D>,
    /// `[4·H, H]`.
    pub hidden: &'a Matrix<D>,
    /// `[4·H]`.
    pub bias: &'a Vector<D>,
}

/// Where an LSTM stands: hidden states and cells of S sequences.
#[derive(Debug, Clone)]
pub struct State<D: Backend, T> {
    /// `[S, H]`.
    pub hidden: Matrix<D, T>,
    /// `[S, H]`.
    pub cell: Matrix<D, T>,
}

/// What an LSTM made. Its tape is one: a method names the tensor that goes on with it.
#[derive(Debug, Clone)]
pub struct Read<D: Backend, T> {
    rows: Matrix<D, T>,
    last: State<D, T>,
}

impl<D: Backend, T: Tape<f32, D>> Read<D, T> {
    /// The hidden state at every row, `[N, H]`.
    pub fn into_rows(self) -> Matrix<D, T> {
        self.rows
    }

    /// The state after the last step of each sequence; the tape is in its hidden states.
    pub fn into_last(self) -> State<D, T> {
        let (_, tape) = self.rows.split_tape();
        let (hidden, other) = self.last.hidden.split_tape();
        State { hidden: hidden.put_tape(tape.merge(other)), cell: self.last.cell }
    }

    /// Both of them; the tape is in the rows.
    pub fn into_parts(self) -> (Matrix<D, T>, State<D, T>) {
        (self.rows, self.last)
    }
}

/// What an LSTM shows of its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// h ← o∘tanh c.
    Squashed,
    /// h ← o∘c.
    Bare,
}

/// [`lstm`] whose hidden states are o∘c: no tanh keeps them within ±1, and where dh met o∘(1 − tanh²c) and tanh c it meets o and c.
///
/// # Shapes
/// As [`lstm`].
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn bare_lstm<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    weights: &Weights<'_, D>,
    start: Option<State<D, T>>,
    direction: Direction,
) -> Result<Read<D, T>> {
    read(x, packed, weights, start, direction, Shown::Bare)
}

/// An LSTM over each sequence, as `torch.nn.LSTM` with its two biases added up. It starts from `start`, or from zeros.
///
/// At each step, with (i, f, g, o) = (σ, σ, tanh, σ)(W·x + U·h + b):  c ← f∘c + i∘g,  h ← o∘tanh c.
/// Backward, step by step from the end, with dh = dy + Uᵀ·dz of the step after:  dc ← dc + dh∘o∘(1 − tanh²c),
/// dz = (dc∘g∘i(1 − i), dc∘c₋₁∘f(1 − f), dc∘i∘(1 − g²), dh∘tanh c∘o(1 − o)),  dc ← dc∘f; and then for all rows at
/// once dx = dz·W, dW = dzᵀ·x, dU = dzᵀ·h₋₁, db = Σ dz.
///
/// # Shapes
/// `x: [N, I]`, S sequences of N rows together → `[N, H]`, and the last states, `[S, H]`; those of an empty sequence
/// are those it started from.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn lstm<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    weights: &Weights<'_, D>,
    start: Option<State<D, T>>,
    direction: Direction,
) -> Result<Read<D, T>> {
    read(x, packed, weights, start, direction, Shown::Squashed)
}

fn read<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    weights: &Weights<'_, D>,
    start: Option<State<D, T>>,
    direction: Direction,
    shown: Shown,
) -> Result<Read<D, T>> {
    let (n, inputs) = *x.shape();
    let (w4, width) = *weights.hidden.shape();
    let count = packed.count();
    assert_eq!(packed.rows(), n, "rows of the sequences");
    assert!(w4 == 4 * width && *weights.input.shape() == (w4, inputs), "weights of {width} cells");
    assert_eq!(weights.bias.shape().0, w4, "biases of {width} cells");
    let (x, mut tape) = x.split_tape();
    let start = start.map(|State { hidden, cell }| {
        assert!(*hidden.shape() == (count, width) && *cell.shape() == (count, width), "states to start from");
        let ((hidden, one), (cell, two)) = (hidden.split_tape(), cell.split_tape());
        tape = std::mem::take(&mut tape).merge(one).merge(two);
        State { hidden, cell }
    });
    let given = Given {
        x,
        input: weights.input.clone(),
        hidden: weights.hidden.clone(),
        bias: weights.bias.clone(),
        start,
        packed: packed.clone(),
        direction,
        shown,
    };
    let device = given.x.device();
    let made = given.forward();
    let rows = device.tensor_of(made.rows, (n, width))?;
    let hidden = device.tensor_of(made.hidden, (count, width))?;
    let cell = device.tensor_of(made.cell, (count, width))?;
    let read = Read { rows: rows.clone(), last: State { hidden: hidden.clone(), cell: cell.clone() } };
    let (gates, cells) = (made.gates, made.cells);
    tape.add_backward_op(move |grads| given.backward(grads, &read, gates, &cells));
    Ok(Read {
        rows: rows.put_tape(tape),
        last: State { hidden: hidden.put_tape(T::default()), cell: cell.put_tape(T::default()) },
    })
}

/// The operands.
struct Given<D: Backend> {
    x: Matrix<D>,
    input: Matrix<D>,
    hidden: Matrix<D>,
    bias: Vector<D>,
    start: Option<State<D, NoneTape>>,
    packed: Packed,
    direction: Direction,
    shown: Shown,
}

/// What the forward pass makes: a row a step, or a row a sequence.
struct Made {
    rows: Vec<f32>,
    /// Activations of the gates.
    gates: Vec<f32>,
    cells: Vec<f32>,
    hidden: Vec<f32>,
    cell: Vec<f32>,
}

impl<D: Backend> Given<D> {
    fn forward(&self) -> Made {
        let ((n, inputs), (w4, width)) = (*self.x.shape(), *self.hidden.shape());
        let count = self.packed.count();
        let u = D::view(&self.hidden);
        let from = |x: &Matrix<D>| D::view(x).into_owned();
        let zeros = || vec![0.0; count * width];
        let mut made = Made {
            rows: vec![0.0; n * width],
            gates: vec![0.0; n * w4],
            cells: vec![0.0; n * width],
            hidden: self.start.as_ref().map_or_else(zeros, |start| from(&start.hidden)),
            cell: self.start.as_ref().map_or_else(zeros, |start| from(&start.cell)),
        };
        let w = D::view(&self.input);
        let (x, w) = (D::view(&self.x), Mat::new(&w, w4, inputs));
        matmul(&mut made.gates, Mat::new(&x, n, inputs), w.t(), Old::Replace);
        if self.start.is_some() {
            let mut first = vec![0.0; count * w4];
            matmul(
                &mut first,
                Mat::new(&made.hidden, count, width),
                Mat::new(&u, w4, width).t(),
                Old::Replace,
            );
            for (row, first) in self.firsts().zip(first.chunks_exact(w4.max(1))) {
                if let Some(row) = row {
                    par::simd!(|| par::add(&mut made.gates[row * w4..][..w4], first));
                }
            }
        }
        let recurrence = Recurrence::forward(width, &u, self.packed.longest(), self.shown);
        let bias = D::view(&self.bias);
        Blocks::new(&self.packed, self.direction).run(
            [(&mut made.gates, w4), (&mut made.rows, width), (&mut made.cells, width)],
            [(&mut made.hidden, width), (&mut made.cell, width)],
            |block| recurrence.read(block, &bias),
        );
        made
    }

    fn backward(
        self,
        grads: &mut Gradients<f32, D>,
        read: &Read<D, NoneTape>,
        gates: Vec<f32>,
        cells: &[f32],
    ) -> std::result::Result<(), D::Err> {
        let ((n, inputs), (w4, width)) = (*self.x.shape(), *self.hidden.shape());
        let dy = D::take_grad(grads, &read.rows)?;
        let mut dh = D::take_grad(grads, &read.last.hidden)?;
        let mut dc = D::take_grad(grads, &read.last.cell)?;
        let u = D::view(&self.hidden);
        let mut dz = gates;
        {
            let start = self.start.as_ref().map(|start| D::view(&start.cell));
            let given = Gradient { dy: &dy, cells, start: start.as_deref() };
            let recurrence = Recurrence::backward(width, &u, self.packed.longest(), self.shown);
            let states = [(&mut dh[..], width), (&mut dc[..], width)];
            Blocks::new(&self.packed, self.direction)
                .run([(&mut dz[..], w4)], states, |block| recurrence.trace(block, &given));
        }
        if let Some(start) = &self.start {
            D::add_grad(grads, &start.hidden, |sum| self.first_hidden(sum, &dz, &dh, &u))?;
            D::add_grad(grads, &start.cell, |sum| par::add(sum, &dc))?;
        }
        let mut db = vec![0.0; w4];
        par::sum_rows!(&mut dz, w4, &mut db, |_, rows, db| {
            rows.chunks_exact(w4.max(1)).for_each(|row| par::add(db, row));
        });
        D::add_grad(grads, &self.bias, |sum| par::add(sum, &db))?;
        let dz = Mat::new(&dz, n, w4);
        let x = D::view(&self.x);
        D::add_grad(grads, &self.input, |dw| matmul(dw, dz.t(), Mat::new(&x, n, inputs), Old::Add))?;
        let before = self.before(&D::view(&read.rows));
        D::add_grad(grads, &self.hidden, |du| matmul(du, dz.t(), Mat::new(&before, n, width), Old::Add))?;
        let w = D::view(&self.input);
        D::add_grad(grads, &self.x, |dx| matmul(dx, dz, Mat::new(&w, w4, inputs), Old::Add))
    }

    /// Adds the gradient of the hidden states that the sequences started from.
    fn first_hidden(&self, sum: &mut [f32], dz: &[f32], dh: &[f32], u: &[f32]) {
        let (w4, width) = *self.hidden.shape();
        let count = self.packed.count();
        let mut first = vec![0.0; count * w4];
        for (s, row) in self.firsts().enumerate() {
            match row {
                Some(row) => first[s * w4..][..w4].copy_from_slice(&dz[row * w4..][..w4]),
                // An empty sequence hands on what it started from, and so what is asked of its last state.
                None => par::add(&mut sum[s * width..][..width], &dh[s * width..][..width]),
            }
        }
        matmul(sum, Mat::new(&first, count, w4), Mat::new(u, w4, width), Old::Add);
    }

    /// The row at which each sequence is read first, if it has one.
    fn firsts(&self) -> impl Iterator<Item = Option<usize>> {
        (0..self.packed.count()).map(|s| match self.direction {
            Direction::Forward => self.packed.span(s).next(),
            Direction::Backward => self.packed.span(s).next_back(),
        })
    }

    /// The hidden state that each row's step started from, given those that the steps made.
    fn before(&self, y: &[f32]) -> Vec<f32> {
        let width = self.hidden.shape().1;
        let start = self.start.as_ref().map(|start| D::view(&start.hidden));
        let mut before = vec![0.0; y.len()];
        for (s, first) in self.firsts().enumerate() {
            let (span, Some(first)) = (self.packed.span(s), first) else { continue };
            let (rest, from) = match self.direction {
                Direction::Forward => (span.start + 1..span.end, span.start..span.end - 1),
                Direction::Backward => (span.start..span.end - 1, span.start + 1..span.end),
            };
            before[rest.start * width..rest.end * width]
                .copy_from_slice(&y[from.start * width..from.end * width]);
            if let Some(start) = &start {
                before[first * width..][..width].copy_from_slice(&start[s * width..][..width]);
            }
        }
        before
    }
}

#[cfg(test)]
mod tests;
