//! Three brokers of one cluster, for those who kill one of them. They are gone with their data when this is dropped.

use std::fs;

use anyhow::{Context, Result};

use super::super::process::{Local, Signal};
use super::super::{Service, ports};
use super::{POLITE, address, begin, settings, wait_for};
use crate::layout::Layout;

/// How many there are: the fewest of which one may be missing.
pub(crate) const NODES: usize = 3;

/// The brokers of a cluster, each in a folder of its own.
pub(crate) struct Cluster {
    layout: Layout,
    nodes: [Local; NODES],
}

impl Cluster {
    /// Starts all, and waits until each answers.
    pub(crate) fn launch(layout: Layout) -> Result<Self> {
        let ports = ports::free::<{ 2 * NODES }>()?;
        let nodes = std::array::from_fn(|index| {
            let folder = layout.services(&name(index));
            Local {
                pid: None,
                ports: ports[2 * index..2 * index + 2].to_vec(),
                data: folder.join("data"),
                log: folder.join("server.log"),
                durable: false,
            }
        });
        let mut cluster = Self { layout, nodes };
        // None of them is ready before most of them are there.
        (0..NODES).try_for_each(|index| cluster.begin(index))?;
        cluster.nodes.iter_mut().try_for_each(wait_for)?;
        Ok(cluster)
    }

    /// Where clients find it: `host:port,host:port,...`.
    pub(crate) fn brokers(&self) -> Result<String> {
        Ok(self.nodes.iter().map(address).collect::<Result<Vec<_>>>()?.join(","))
    }

    /// Ends a broker without warning.
    pub(crate) fn kill(&mut self, index: usize) -> Result<()> {
        self.nodes[index].stop(Signal::Kill, POLITE).map(drop)
    }

    /// Starts a broker that was killed, and waits until it answers.
    pub(crate) fn start(&mut self, index: usize) -> Result<()> {
        self.begin(index)?;
        wait_for(&mut self.nodes[index])
    }

    fn begin(&mut self, index: usize) -> Result<()> {
        let controllers = self.nodes.each_ref().map(|node| node.ports[1]);
        let node = settings::Node { id: index as u16 + 1, controllers: &controllers };
        begin(&self.layout, &name(index), &node, &mut self.nodes[index])
            .with_context(|| format!("cannot start {}", name(index)))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (index, node) in self.nodes.iter_mut().enumerate() {
            let folder = self.layout.services(&name(index));
            let gone = node.stop(Signal::Kill, POLITE).and_then(|_| Ok(fs::remove_dir_all(folder)?));
            if let Err(error) = gone {
                Service::Kafka.say(format_args!("{error:#}"));
            }
        }
    }
}

fn name(index: usize) -> String {
    format!("kafka-{}", index + 1)
}
