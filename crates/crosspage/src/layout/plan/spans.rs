//! Where the data of a struct lies on two sides.

use super::super::{StructType, Type};
use super::program::Program;

/// Data in a pair of structs that agree; loops are arrays of structs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node<K> {
    One(Span<K>),
    Loop(Loop<K>),
}

/// An array of structs: `body` has the spans of its first element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loop<K> {
    pub count: usize,
    /// Where the first element begins in `here`.
    pub here: usize,
    pub page_stride: usize,
    pub here_stride: usize,
    pub body: Vec<Node<K>>,
}

/// Bytes that lie together on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span<K> {
    pub page: usize,
    pub here: usize,
    pub len: usize,
    pub what: K,
}

/// An array that takes no more spans than this is written out instead of looped over.
const WRITTEN_OUT: usize = 32;

/// The spans of the values that `select` picks among a struct's scalars, enums and texts, in
/// order of `here`; `page` and `here` must agree (by name is enough).
pub(super) fn spans<K: Copy + Eq>(
    page: &StructType,
    here: &StructType,
    select: &mut dyn FnMut(&Type) -> Option<K>,
) -> Vec<Node<K>> {
    let mut out = Vec::new();
    struct_spans(&mut out, page, here, (0, 0), select);
    out
}

fn struct_spans<K: Copy + Eq>(
    out: &mut Vec<Node<K>>,
    page: &StructType,
    here: &StructType,
    at: (usize, usize),
    select: &mut dyn FnMut(&Type) -> Option<K>,
) {
    for theirs in here.fields() {
        // Every field declared here is in the page: `compare` saw to it.
        if let Some(ours) = page.field(&theirs.name) {
            let at = (at.0 + ours.offset, at.1 + theirs.offset);
            type_spans(out, &ours.ty, &theirs.ty, at, select);
        }
    }
}

fn type_spans<K: Copy + Eq>(
    out: &mut Vec<Node<K>>,
    page: &Type,
    here: &Type,
    at: (usize, usize),
    select: &mut dyn FnMut(&Type) -> Option<K>,
) {
    match (page, here) {
        (Type::Struct(page), Type::Struct(here)) => struct_spans(out, page, here, at, select),
        (Type::Array(page, count), Type::Array(here, _)) => {
            let mut element = Vec::new();
            type_spans(&mut element, page, here, at, select);
            array(out, element, *count, at.1, (page.size(), here.size()));
        }
        (_, Type::Tail(_)) => {}
        (_, here) => {
            if let Some(what) = select(here) {
                push(
                    out,
                    Span {
                        page: at.0,
                        here: at.1,
                        len: here.size(),
                        what,
                    },
                );
            }
        }
    }
}

/// Adds `count` of the element, which lies at `here`, each `strides` after the one before.
fn array<K: Copy + Eq>(
    out: &mut Vec<Node<K>>,
    mut body: Vec<Node<K>>,
    count: usize,
    here: usize,
    (page_stride, here_stride): (usize, usize),
) {
    let size: usize = body.iter().map(Node::size).sum();
    match &mut body[..] {
        [] => {}
        [Node::One(span)] if page_stride == span.len && here_stride == span.len => {
            push(
                out,
                Span {
                    len: span.len * count,
                    ..*span
                },
            );
        }
        // An array of arrays is one array.
        [Node::Loop(inner)]
            if page_stride == inner.page_stride * inner.count
                && here_stride == inner.here_stride * inner.count =>
        {
            inner.count *= count;
            out.append(&mut body);
        }
        body if count.saturating_mul(size) <= WRITTEN_OUT => {
            for i in 0..count {
                let by = (i * page_stride, i * here_stride);
                body.iter().for_each(|node| match node.shifted(by) {
                    Node::One(span) => push(out, span),
                    looped => out.push(looped),
                });
            }
        }
        _ => out.push(Node::Loop(Loop {
            count,
            here,
            page_stride,
            here_stride,
            body,
        })),
    }
}

/// Adds a span, joined with the last one where they touch on both sides.
fn push<K: Copy + Eq>(out: &mut Vec<Node<K>>, span: Span<K>) {
    if let Some(Node::One(last)) = out.last_mut()
        && last.what == span.what
        && last.page + last.len == span.page
        && last.here + last.len == span.here
    {
        last.len += span.len;
    } else {
        out.push(Node::One(span));
    }
}

impl<K: Copy> Node<K> {
    /// How many spans are stored in it.
    fn size(&self) -> usize {
        match self {
            Node::One(_) => 1,
            Node::Loop(array) => array.body.iter().map(Node::size).sum(),
        }
    }

    fn shifted(&self, by: (usize, usize)) -> Node<K> {
        match self {
            Node::One(span) => Node::One(Span {
                page: span.page + by.0,
                here: span.here + by.1,
                ..*span
            }),
            Node::Loop(array) => Node::Loop(Loop {
                here: array.here + by.1,
                body: array.body.iter().map(|node| node.shifted(by)).collect(),
                ..*array
            }),
        }
    }
}

/// The nodes as a program.
pub(super) fn program<K: Copy, Op>(nodes: &[Node<K>], op: fn(&Span<K>) -> Op) -> Program<Op> {
    fn add<K: Copy, Op>(out: &mut Program<Op>, nodes: &[Node<K>], op: fn(&Span<K>) -> Op) {
        for node in nodes {
            match node {
                Node::One(span) => out.push(op(span)),
                Node::Loop(array) => {
                    out.start_loop();
                    add(out, &array.body, op);
                    out.end_loop(array.count, array.page_stride, array.here_stride);
                }
            }
        }
    }
    let mut out = Program::default();
    add(&mut out, nodes, op);
    out
}
