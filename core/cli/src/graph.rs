//! `runpipe graph`.

use runpipe_engine::{Node, Pipeline};
use runpipe_reports::{Graph as Drawn, Vertex};

use crate::args::{Drawing, Graph};
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

pub(crate) fn graph(args: &Graph) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    let pipeline = open::pipeline(&args.reading, &registry)?;
    let graph = Drawn::of(&vertices(&pipeline));
    term::data(match args.format {
        Drawing::Tree => graph.tree(),
        Drawing::Dot => graph.dot(),
        Drawing::Svg => graph.svg(),
    });
    Ok(Exit::Fine)
}

fn vertices(pipeline: &Pipeline) -> Vec<Vertex> {
    let vertex = |node: &Node| Vertex {
        name: node.name.to_string(),
        stage: node.stage.spec.name.clone(),
        axes: node.index.iter().map(|(axis, _)| axis.to_string()).collect(),
        inputs: node
            .inputs
            .iter()
            .map(|input| {
                let port = node.stage.spec.inputs[usize::from(input.port)].name.to_string();
                (port, input.node as usize, input.part.to_string())
            })
            .collect(),
    };
    pipeline.nodes.iter().map(vertex).collect()
}
